"""A change: a fact that can be printed, compared, hashed and tested without a service.

``why`` is for the reader and steers nothing.
"""

from enum import Enum

from msgspec import Struct

from keyturn.model.address import Address
from keyturn.model.fields import FieldPath, Leaf
from keyturn.model.resource import DesiredResource, LiveObject, StateEntry


class Action(Enum):
    """What will be done to a resource. One change has one action: the gravest that it needs.

    ==========  ================================================================
    REPLACE     a new object takes the name; dependents are repointed; the old is retired
    RETIRE      soft delete, kept in the ledger as a tombstone
    ROTATE      at least one secret field gets another value
    RESTORE     a retired object comes back, then is written in full
    RENAME      another name, same id
    CREATE      a new object
    UPDATE      plain fields change
    ADOPT       an object of this name is written as the manifest says; the ledger takes it in
    FORGET      nothing is written to the service; the ledger lets the entry go
    NOTE        nothing is done; there is something to say
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
    """What a plan says of a secret field, in place of one blank mask."""

    SET = "set"
    ROTATED = "rotated"
    UNCHANGED = "unchanged"
    UNKNOWN = "unknown"
    SUSPECT = "suspect"
    KEPT = "kept"
    REUSED = "reused"
    CLEARED = "cleared"


_CONSENT_LOST = frozenset({Action.CREATE, Action.REPLACE, Action.RESTORE, Action.ROTATE})

MISSING = "\0absent"
"""Stands for a field that is not there; NUL cannot occur in a manifest, so no value equals it."""


class FieldChange(Struct, frozen=True):
    """A plain field: what we last applied, what is live, what git wants; ``ABSENT`` where there is none."""

    path: FieldPath
    applied: Leaf
    live: Leaf
    desired: Leaf

    @property
    def has_drifted(self) -> bool:
        """Whether the live value moved without us."""
        return self.applied not in (MISSING, self.live) and self.live != self.desired


class SecretChange(Struct, frozen=True):
    """A secret field and its state, with the reason in words; never a value."""

    path: FieldPath
    status: SecretStatus
    reason: str = ""


class Exposure(Struct, frozen=True):
    """A secret that stays while its destination changes: who consents to it is named ``address``.

    ``through`` is the resource whose ``path`` moved: the credential itself or a connection.
    """

    address: Address
    through: Address
    path: FieldPath
    before: Leaf
    after: Leaf


class Change(Struct, frozen=True, kw_only=True):
    """What will be done to one resource, and on what understanding.

    ``desired``, ``known`` and ``live`` are what was compared; which of them are there follows
    from the action. ``after`` names the changes that must be done first; ``expected`` is the
    ``updated_at`` that the live object must still have.
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
        """The precondition: ``updated_at`` of the live object, empty where there is none."""
        return self.live.updated_at if self.live else ""

    @property
    def is_consent_needed(self) -> bool:
        """Whether a person must authorize an OAuth credential after this change.

        A new or restored object and a new secret have no consent; another client, scope or endpoint
        outdates the consent that was given.
        """
        if self.desired is None or self.desired.type != "oauth" or self.address.kind != "credential":
            return False
        return self.action in _CONSENT_LOST or (self.action is Action.UPDATE and bool(self.fields))


class OutcomeStatus(Enum):
    """The ways in which a change ends."""

    DONE = "done"
    FAILED = "failed"
    BLOCKED = "blocked"
    STALE = "stale"
    UNKNOWN = "unsure"


class ChangeOutcome(Struct, frozen=True, kw_only=True):
    """The end of one change: what became of it, in words, and what the user does next."""

    address: Address
    action: str
    outcome_status: OutcomeStatus
    message: str = ""
    hint: str = ""
    waits_for: tuple[Address, ...] = ()
    warnings: tuple[str, ...] = ()
