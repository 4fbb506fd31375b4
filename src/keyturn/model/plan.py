"""The plan: changes, diagnostics and impact, and the digest that an approval refers to.

A digest is ``kt2-`` and 38 base32 letters: 12 of the settings and 26 of the whole payload. The settings
are compared before the first request, so that no key is sent to an address that was not approved.
"""

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct, field

from keyturn.model.address import Address
from keyturn.model.change import MISSING, Action, Change, SecretStatus
from keyturn.model.diagnostic import Diagnostic, Severity
from keyturn.model.fields import Leaf, format_path
from keyturn.model.resource import EMPTY, StateEntry

NO_OP_ACTIONS = frozenset({Action.NO_OP})
"""Actions that change neither the service nor the state."""

DIGEST_VERSION: Final = 2
"""The version of the payload; it is a part of each digest."""

MAX_EXPLAINED_OPERATIONS: Final = 100
"""The number of operations up to which each is tried as the difference between two digests."""

_PREFIX: Final = f"kt{DIGEST_VERSION}-"
_SETTINGS_LETTERS: Final = 12
_PAYLOAD_LETTERS: Final = 26
_DIGEST_PATTERN: Final = re.compile(rf"{_PREFIX}[a-z2-7]{{{_SETTINGS_LETTERS + _PAYLOAD_LETTERS}}}")


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


class ApprovalInputs(Struct, frozen=True, kw_only=True):
    """What an apply depends on besides its operations.

    ``settings`` are those of the workspace and the project, by their names in keyturn.yaml, as JSON values.
    ``options`` are arguments of the command, each as one text (``--allow-retire=3``). ``manifests`` has
    the digests of manifests that an apply only records in the state, by address. ``open_intents`` describes
    the requests without a recorded outcome, by id.
    """

    settings: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    options: tuple[str, ...] = ()
    manifests: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    open_intents: Mapping[str, str] = field(default_factory=lambda: EMPTY)


class Plan(Struct, frozen=True, kw_only=True):
    """Changes sorted by address and diagnostics by severity; equal inputs give equal plans.

    ``requests`` estimates the requests of an apply; ``requests_per_second`` is their limit, 0 for
    none. ``access_changes`` report who gained or lost the ability to decrypt, and changed security
    settings. An ``offline`` plan did not read the workspace. A ``partial`` plan omits changes, so
    its digest approves nothing. ``inputs`` are what an apply depends on besides the changes.
    ``command_options`` are the arguments that lead ``keyturn apply`` to this workspace. ``base`` is what
    an offline plan compares with, None for an exported state.
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
    inputs: ApprovalInputs = field(default_factory=ApprovalInputs)
    command_options: tuple[str, ...] = ()
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

    @property
    def is_approvable(self) -> bool:
        """Whether an apply could perform exactly this plan, so that its digest may be approved."""
        return not (self.blocking_diagnostics or self.offline or self.partial)

    @property
    def has_suspects(self) -> bool:
        """Whether a secret may have been changed outside keyturn."""
        return any(each.status is SecretStatus.SUSPECT for change in self.changes for each in change.secrets)

    def approval_digest(self) -> str:
        """Return the approval digest; ``model.approval`` describes its form.

        The digest covers the settings and policy, the options and consents, the content of each manifest
        that an apply uses or records, the open intents of the journal, and every operation with its
        precondition. It excludes the commit, because a merge changes the commit but not the plan.
        """
        return compute_digest(self.digest_payload())

    def digest_payload(self) -> dict[str, Any]:
        """Return the content that the digest covers, as JSON values."""
        return {
            "settings": self.approved_settings,
            "options": list(self.inputs.options),
            "manifests": dict(self.inputs.manifests),
            "open_intents": dict(self.inputs.open_intents),
            "operations": [operation_payload(change) for change in self.operations],
        }

    @property
    def approved_settings(self) -> dict[str, Any]:
        """The settings that the digest covers, by name."""
        named = {"workspace": self.workspace, "organization": self.organization}
        return {**self.inputs.settings, **named}

    @property
    def operations(self) -> tuple[Change, ...]:
        """The changes that an apply performs."""
        return tuple(change for change in self.changes if change.action not in NO_OP_ACTIONS)


def operation_payload(change: Change) -> dict[str, Any]:
    """Return one change as JSON values: all inputs of its execution, without secrets."""
    desired = change.desired
    return {
        "action": change.action.value,
        "address": str(change.address),
        "renamed_from": change.renamed_from,
        "id": change.live.id if change.live else "",
        "expected": change.expected_updated_at,
        "recorded": change.entry.updated_at if change.entry else "",
        "entry": _entry_payload(change.entry),
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


def _entry_payload(entry: StateEntry | None) -> list[object]:
    if entry is None:
        return []
    return [
        entry.id,
        entry.type,
        entry.digest,
        entry.retired_at,
        entry.protect,
        entry.untested,
        list(entry.destinations),
    ]


def to_json_value(leaf: Leaf) -> object:
    """Return a leaf as a JSON value: a reference as ``{"ref": address}``, a missing one as null."""
    if isinstance(leaf, Address):
        return {"ref": str(leaf)}
    return None if leaf == MISSING else leaf


def hash_json(value: object, letters: int = _PAYLOAD_LETTERS) -> str:
    """Return the first base32 letters (5 bits each) of the SHA-256 of a JSON value in canonical form."""
    body = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return base64.b32encode(hashlib.sha256(body.encode()).digest()).decode().lower()[:letters]


def compute_digest(payload: Mapping[str, Any]) -> str:
    """Return the digest of the payload of a plan; its key ``settings`` has a hash of its own."""
    return "".join((_PREFIX, _hash_settings(payload["settings"]), hash_json(payload)))


def is_approval_digest(text: str) -> bool:
    """Tell whether a text has the form of a digest of this version."""
    return bool(_DIGEST_PATTERN.fullmatch(text))


def has_settings(digest: str, settings: Mapping[str, Any]) -> bool:
    """Tell whether a digest of this version was made under these settings."""
    return digest.startswith(_PREFIX + _hash_settings(settings))


def explain_digest(approved: str, payload: Mapping[str, Any]) -> str:
    """Return the one difference that explains why a payload has another digest; empty if none does.

    Candidates are the options, a manifest to record, an open intent, a new operation, and a live object
    that was written after the last apply.
    """
    letters = approved[-_PAYLOAD_LETTERS:]
    guesses = _list_earlier_payloads(payload)
    return next((text for text, earlier in guesses if hash_json(earlier) == letters), "")


def _list_earlier_payloads(payload: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield f"options: was not given, is {' '.join(payload['options'])}", {**payload, "options": []}
    for address in payload["manifests"]:
        yield f"{address}: the content of its manifest", _without_key(payload, "manifests", address)
    for intent, text in payload["open_intents"].items():
        yield f"a request was left open: {text}", _without_key(payload, "open_intents", intent)
    operations = payload["operations"]
    for index, each in enumerate(operations[:MAX_EXPLAINED_OPERATIONS]):
        others = [*operations[:index], *operations[index + 1 :]]
        yield f"{each['address']}: {each['action']} is new in the plan", {**payload, "operations": others}
        unwritten = {**each, "expected": each["recorded"]}
        others.insert(index, unwritten)
        yield (
            f"{each['address']}: the live object was written outside keyturn at {each['expected']}",
            {**payload, "operations": others},
        )


def _without_key(payload: Mapping[str, Any], part: str, key: str) -> dict[str, Any]:
    rest = {name: value for name, value in payload[part].items() if name != key}
    return {**payload, part: rest}


def describe_moved_values(then: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """Return ``NAME: was VALUE, is VALUE`` for each name whose value differs, sorted by name."""
    return tuple(
        f"{name}: was {_format_json(then.get(name))}, is {_format_json(now.get(name))}"
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    )


def describe_moved_options(then: tuple[str, ...], now: tuple[str, ...]) -> tuple[str, ...]:
    """Return one line for each argument that only one side has, sorted."""
    removed = [f"{each}: was given, is missing" for each in then if each not in now]
    added = [f"{each}: was not given, is given" for each in now if each not in then]
    return tuple(sorted(removed + added))


def _hash_settings(settings: Mapping[str, Any]) -> str:
    return hash_json([DIGEST_VERSION, settings], _SETTINGS_LETTERS)


def _format_json(value: object) -> str:
    if value is None or value in ("", [], {}):
        return "not set"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)


class PlanLimit(Struct, frozen=True):
    """A limit above which a plan needs an approval: a count, and a percentage of the managed resources."""

    count: int
    percent: int


class PlanLimits(Struct, frozen=True):
    """The limits of a plan on retirements and rotations."""

    retire: PlanLimit = PlanLimit(5, 20)
    rotate: PlanLimit = PlanLimit(20, 50)
