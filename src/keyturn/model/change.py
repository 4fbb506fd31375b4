"""Changes of a plan and their outcomes."""

from enum import Enum

from msgspec import Struct

from keyturn.model.address import Address
from keyturn.model.fields import FieldPath, Leaf
from keyturn.model.resource import DesiredResource, LiveObject, StateEntry


class Action(Enum):
    """The operation on a resource. A change has one action: the most severe of those it needs.

    ==========  ================================================================
    REPLACE     create an object under the same name, repoint dependents, retire the old object
    RETIRE      soft-delete; the state keeps a tombstone
    ROTATE      change the value of at least one secret field
    RESTORE     undelete a retired object, then write all its fields
    RENAME      change the name; the id stays
    CREATE      create an object
    UPDATE      change plain fields
    ADOPT       write an existing object as the manifest states and add it to the state
    FORGET      remove the entry from the state; the service is not changed
    NO_OP       nothing to do; the change only carries information for the reader
    ==========  ================================================================
    """

    REPLACE = "replace"
    RETIRE = "retire"
    ROTATE = "rotate"
    RESTORE = "restore"
    RENAME = "rename"
    CREATE = "create"
    UPDATE = "update"
    ADOPT = "adopt"
    FORGET = "forget"
    NO_OP = "no-op"


class SecretStatus(Enum):
    """The status of a secret field in a plan."""

    SET = "set"
    ROTATED = "rotated"
    UNCHANGED = "unchanged"
    UNKNOWN = "unknown"
    SUSPECT = "suspect"
    KEPT = "kept"
    REUSED = "reused"
    CLEARED = "cleared"


MISSING = "\0absent"
"""The value of a field that does not exist. YAML cannot contain NUL, so no manifest value equals it."""

_CONSENT_INVALIDATING_ACTIONS = frozenset({Action.CREATE, Action.REPLACE, Action.RESTORE, Action.ROTATE})


class FieldChange(Struct, frozen=True):
    """A plain field with its last applied, live and desired value; ``MISSING`` for none."""

    path: FieldPath
    applied: Leaf
    live: Leaf
    desired: Leaf

    @property
    def has_drifted(self) -> bool:
        """Whether the live value was changed outside keyturn and differs from the desired value."""
        return self.applied not in (MISSING, self.live) and self.live != self.desired


class SecretChange(Struct, frozen=True):
    """The status of a secret field and the reason for it, without any value."""

    path: FieldPath
    status: SecretStatus
    reason: str = ""


class Exposure(Struct, frozen=True):
    """A credential whose current secret would be sent to a new destination.

    ``address`` is the credential. ``through`` is the resource whose field ``path`` changes: the
    credential itself or a connection that uses it.
    """

    address: Address
    through: Address
    path: FieldPath
    before: Leaf
    after: Leaf


class Change(Struct, frozen=True, kw_only=True):
    """The planned change of one resource.

    ``desired``, ``entry`` and ``live`` are the compared sides; the action determines which of them
    exist. ``depends_on`` names the changes that must be done first. ``reason`` is text for the
    reader; no decision depends on it.
    """

    action: Action
    address: Address
    desired: DesiredResource | None = None
    entry: StateEntry | None = None
    live: LiveObject | None = None
    fields: tuple[FieldChange, ...] = ()
    secrets: tuple[SecretChange, ...] = ()
    exposures: tuple[Exposure, ...] = ()
    renamed_from: str = ""
    depends_on: tuple[Address, ...] = ()
    reason: str = ""

    @property
    def expected_updated_at(self) -> str:
        """The precondition of the write: ``updated_at`` of the live object, empty without one."""
        return self.live.updated_at if self.live else ""

    @property
    def is_consent_needed(self) -> bool:
        """Whether a person must authorize an OAuth credential after this change.

        New objects, restored objects and new secrets have no consent. A changed client, scope or
        endpoint invalidates an existing consent.
        """
        if self.desired is None or self.desired.type != "oauth" or self.address.kind != "credential":
            return False
        return self.action in _CONSENT_INVALIDATING_ACTIONS or (
            self.action is Action.UPDATE and bool(self.fields)
        )


class OutcomeStatus(Enum):
    """How the execution of a change ended; the journal stores the values.

    UNKNOWN: the request was sent, but no response arrived.
    """

    DONE = "done"
    FAILED = "failed"
    BLOCKED = "blocked"
    STALE = "stale"
    UNKNOWN = "unsure"


class ChangeOutcome(Struct, frozen=True, kw_only=True):
    """The outcome of one change, with a message and a hint for the user."""

    address: Address
    action: str
    outcome_status: OutcomeStatus
    message: str = ""
    hint: str = ""
    waits_for: tuple[Address, ...] = ()
    warnings: tuple[str, ...] = ()
