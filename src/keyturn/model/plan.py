"""The plan: what would be done, in order, with what must be known before it is."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Mapping

from msgspec import Struct, field

from keyturn.model.address import Address
from keyturn.model.change import Action, Change
from keyturn.model.diagnostic import Diagnostic, Severity
from keyturn.model.fields import Leaf, format_path
from keyturn.model.resource import EMPTY

NO_OP_ACTIONS = frozenset({Action.NO_OP})
"""Actions that change nothing anywhere."""


class Impact(Struct, frozen=True, kw_only=True):
    """How far a credential or connection reaches; ``None`` means unknown, never zero.

    ``scheduled`` counts enabled schedules, ``next_run`` is the earliest of them (RFC 3339).
    ``outsiders`` are the connections that use it and are not ours, ``insiders`` those that are, as
    addresses; ``work`` names the pipelines and syncs that would feel it, as ``pipeline/NAME``.
    """

    connections: int | None = None
    pipelines: int | None = None
    syncs: int | None = None
    scheduled: int | None = None
    next_run: str = ""
    unmanaged_connections: tuple[str, ...] = ()
    managed_connections: tuple[str, ...] = ()
    downstream: tuple[str, ...] = ()


class Plan(Struct, frozen=True, kw_only=True):
    """Changes sorted by address, findings worst first; the same inputs give the same plan.

    ``requests`` is about how many requests an apply will make, and ``pace`` how many of them a second
    at most, 0 for no bound. ``access`` are the lines on who gained or lost the ability to decrypt and
    which security settings moved. An ``offline`` plan did not
    read the workspace; a ``partial`` one leaves things out, so that its digest approves nothing.
    """

    workspace: str
    organization: str
    changes: tuple[Change, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    access_changes: tuple[Diagnostic, ...] = ()
    impact: Mapping[Address, Impact] = field(default_factory=lambda: EMPTY)
    requests: int = 0
    requests_per_second: float = 0.0
    resources: int = 0
    offline: bool = False
    partial: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether an apply would have nothing to do."""
        return all(change.action in NO_OP_ACTIONS for change in self.changes)

    @property
    def blocking_diagnostics(self) -> tuple[Diagnostic, ...]:
        """The findings that an apply refuses to pass."""
        return tuple(finding for finding in self.diagnostics if finding.severity is Severity.ERROR)

    def count_by_action(self) -> Mapping[Action, int]:
        """Return how many changes there are of each action."""
        return Counter(change.action for change in self.changes)

    def approval_digest(self) -> str:
        """Return the approval digest: ``kt1-`` and 26 base32 letters.

        That is 130 bits, so that no two plans can be crafted to share one. It covers workspace,
        organization, every operation with its fields, the ciphertext of every secret, the content
        of every manifest concerned and the precondition of each object; not the commit, which a
        merge changes without changing what was reviewed.
        """
        body = json.dumps(self.digest_payload(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        letters = base64.b32encode(hashlib.sha256(body.encode()).digest()).decode().lower()
        return f"kt1-{letters[:26]}"

    def digest_payload(self) -> dict[str, object]:
        """Return what the digest covers, as JSON values."""
        return {
            "version": 1,
            "workspace": self.workspace,
            "organization": self.organization,
            "operations": [
                operation_payload(change) for change in self.changes if change.action not in NO_OP_ACTIONS
            ],
        }


def operation_payload(change: Change) -> dict[str, object]:
    """Return one change as JSON values: everything that apply acts upon, and nothing secret."""
    desired = change.desired
    return {
        "action": change.action.value,
        "address": str(change.address),
        "renamed_from": change.renamed_from,
        "id": change.live.id if change.live else "",
        "expected": change.expected_updated_at,
        "manifest": desired.digest if desired else "",
        "ciphers": {format_path(path): digest for path, digest in desired.ciphertext_digests.items()}
        if desired
        else {},
        "secrets": {format_path(each.path): each.status.value for each in change.secrets},
        "fields": [
            [format_path(each.path), to_json_value(each.live), to_json_value(each.desired)]
            for each in change.fields
        ],
        "exposures": [[str(each.address), format_path(each.path)] for each in change.exposures],
    }


def to_json_value(leaf: Leaf) -> object:
    """Return a leaf as a JSON value; a reference as ``{"ref": address}``, an absent one as null."""
    if isinstance(leaf, Address):
        return {"ref": str(leaf)}
    return None if leaf == "\0absent" else leaf


class PlanLimit(Struct, frozen=True):
    """How much a plan may do of one thing unasked: ``count``, and ``percent`` of what is ours."""

    count: int
    percent: int


class PlanLimits(Struct, frozen=True):
    """The limits on a whole plan."""

    retire: PlanLimit = PlanLimit(5, 20)
    rotate: PlanLimit = PlanLimit(20, 50)
