"""The three sides that a plan compares, held together as one value."""

from collections.abc import Mapping

from msgspec import Struct, field

from keyturn.model.address import Address
from keyturn.model.fields import FieldPath
from keyturn.model.resource import EMPTY, DesiredResource, LiveObject, StateEntry


class PlanInputs(Struct, frozen=True, kw_only=True):
    """What git wants, what the state knows and what the service shows.

    ``live`` is by id. ``prints`` holds the keyed fingerprints of the secrets that were opened.
    """

    desired: Mapping[Address, DesiredResource]
    entries: Mapping[Address, StateEntry]
    live: Mapping[str, LiveObject]
    fingerprints: Mapping[Address, Mapping[FieldPath, str]] = field(default_factory=lambda: EMPTY)

    def live_by_address(self) -> dict[Address, list[LiveObject]]:
        """Return the active live objects by address; a name may stand more than once."""
        found: dict[Address, list[LiveObject]] = {}
        for live in self.live.values():
            if live.status != "deleted":
                found.setdefault(live.address, []).append(live)
        return found


class Approvals(Struct, frozen=True, kw_only=True):
    """What the user agreed to by name or by number on the command line."""

    destinations: frozenset[str] = frozenset()
    adopt: frozenset[str] = frozenset()
    reuse: frozenset[str] = frozenset()
    restore: frozenset[str] = frozenset()
    retire: int = -1
    rotate: int = -1
    empty: bool = False

    def allows_adoption(self, name: str) -> bool:
        """Whether an object of this name may be taken over; ``*`` agrees to all."""
        return bool(self.adopt & {name, "*"})


def needs_decryption(inputs: PlanInputs) -> tuple[DesiredResource, ...]:
    """Return the manifests whose secrets must be opened: those that may need a write.

    A file whose digest the state holds, and whose live object nobody touched since, is left
    sealed: a plan without changes opens nothing and needs no key.
    """
    return tuple(desired for desired in inputs.desired.values() if _may_need_write(desired, inputs))


def _may_need_write(desired: DesiredResource, inputs: PlanInputs) -> bool:
    if not desired.secrets:
        return False
    known = inputs.entries.get(desired.address)
    if known is None or known.digest != desired.digest or known.retired_at:
        return True
    if not known.fingerprints.keys() >= desired.secrets.keys():
        return True
    live = inputs.live.get(known.id)
    if live is None or live.status == "deleted" or live.address != desired.address:
        return True
    return live.updated_at != known.updated_at
