"""The plan: changes, diagnostics and impact, and the digest that an approval refers to."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Mapping

from msgspec import Struct, field

from keyturn.model.address import Address
from keyturn.model.change import MISSING, Action, Change
from keyturn.model.diagnostic import Diagnostic, Severity
from keyturn.model.fields import Leaf, format_path
from keyturn.model.resource import EMPTY

NO_OP_ACTIONS = frozenset({Action.NO_OP})
"""Actions that change neither the service nor the state."""


class Impact(Struct, frozen=True, kw_only=True):
    """What uses a credential or connection; ``None`` means unknown, never zero.

    ``scheduled`` counts enabled schedules; ``next_run`` is the earliest of them (RFC 3339).
    ``managed_connections`` and ``unmanaged_connections`` are the connections that use it, as
    addresses. ``downstream`` names the affected pipelines and syncs, as ``pipeline/NAME``.
    """

    connections: int | None = None
    pipelines: int | None = None
    syncs: int | None = None
    scheduled: int | None = None
    next_run: str = ""
    unmanaged_connections: tuple[str, ...] = ()
    managed_connections: tuple[str, ...] = ()
    downstream: tuple[str, ...] = ()


class PlanBase(Struct, frozen=True, kw_only=True):
    """The commit that an offline plan compares with, and why.

    ``reason`` is ``named`` (``revision`` was given) or ``merge_base`` (where HEAD and ``revision`` part).
    ``variable`` is the variable of the CI system that names ``revision``. ``notes`` say that the branch
    is a guess, or may be stale.
    """

    commit: str
    revision: str
    reason: str
    variable: str = ""
    notes: tuple[str, ...] = ()


class Plan(Struct, frozen=True, kw_only=True):
    """Changes sorted by address and diagnostics by severity; equal inputs give equal plans.

    ``requests`` estimates the requests of an apply; ``requests_per_second`` is their limit, 0 for
    none. ``access_changes`` report who gained or lost the ability to decrypt, and changed security
    settings. An ``offline`` plan did not read the workspace. A ``partial`` plan omits changes, so
    its digest approves nothing.
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
    base: PlanBase | None = None

    @property
    def is_empty(self) -> bool:
        """Whether an apply would change nothing."""
        return all(change.action in NO_OP_ACTIONS for change in self.changes)

    @property
    def blocking_diagnostics(self) -> tuple[Diagnostic, ...]:
        """The errors, each of which prevents an apply."""
        return tuple(each for each in self.diagnostics if each.severity is Severity.ERROR)

    def count_by_action(self) -> Mapping[Action, int]:
        """Return the number of changes by action."""
        return Counter(change.action for change in self.changes)

    def approval_digest(self) -> str:
        """Return the approval digest: ``kt1-`` and 26 base32 letters (130 bits of SHA-256).

        The digest covers workspace, organization, every operation with its fields, the ciphertext
        of every secret, the content of every affected manifest and the precondition of each
        object. It excludes the commit, because a merge changes the commit but not the plan.
        """
        body = json.dumps(self.digest_payload(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        letters = base64.b32encode(hashlib.sha256(body.encode()).digest()).decode().lower()
        return f"kt1-{letters[:26]}"

    def digest_payload(self) -> dict[str, object]:
        """Return the content that the digest covers, as JSON values."""
        return {
            "version": 1,
            "workspace": self.workspace,
            "organization": self.organization,
            "operations": [
                operation_payload(change) for change in self.changes if change.action not in NO_OP_ACTIONS
            ],
        }


def operation_payload(change: Change) -> dict[str, object]:
    """Return one change as JSON values: all inputs of its execution, without secrets."""
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
    """Return a leaf as a JSON value: a reference as ``{"ref": address}``, a missing one as null."""
    if isinstance(leaf, Address):
        return {"ref": str(leaf)}
    return None if leaf == MISSING else leaf


class PlanLimit(Struct, frozen=True):
    """A limit above which a plan needs an approval: a count, and a percentage of the managed resources."""

    count: int
    percent: int


class PlanLimits(Struct, frozen=True):
    """The limits of a plan on retirements and rotations."""

    retire: PlanLimit = PlanLimit(5, 20)
    rotate: PlanLimit = PlanLimit(20, 50)
