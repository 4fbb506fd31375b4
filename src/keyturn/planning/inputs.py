"""The inputs of a plan: the three compared sides, and the approvals of the user."""

from collections.abc import Mapping

from msgspec import Struct, field

from keyturn.model.address import Address
from keyturn.model.fields import FieldPath
from keyturn.model.resource import EMPTY, DesiredResource, LiveObject, StateEntry


class PlanInputs(Struct, frozen=True, kw_only=True):
    """Manifests and state entries by address, and live objects by id.

    ``fingerprints`` are the keyed fingerprints of the decrypted secrets.
    """

    desired: Mapping[Address, DesiredResource]
    entries: Mapping[Address, StateEntry]
    live: Mapping[str, LiveObject]
    fingerprints: Mapping[Address, Mapping[FieldPath, str]] = field(default_factory=lambda: EMPTY)

    def live_by_address(self) -> dict[Address, list[LiveObject]]:
        """Return the live objects that are not deleted, by address; names are not unique."""
        found: dict[Address, list[LiveObject]] = {}
        for live in self.live.values():
            if live.status != "deleted":
                found.setdefault(live.address, []).append(live)
        return found


class Approvals(Struct, frozen=True, kw_only=True):
    """Approvals from the command line, by name or by number; -1 for none."""

    destinations: frozenset[str] = frozenset()
    adopt: frozenset[str] = frozenset()
    reuse: frozenset[str] = frozenset()
    restore: frozenset[str] = frozenset()
    retire: int = -1
    rotate: int = -1
    empty: bool = False
    older_commit: bool = False

    def allows_adoption(self, name: str) -> bool:
        """Whether an object with this name may be adopted; ``*`` allows all."""
        return bool(self.adopt & {name, "*"})


def needs_decryption(inputs: PlanInputs) -> tuple[DesiredResource, ...]:
    """Return the manifests whose secrets must be decrypted, because they may need a write.

    A manifest is skipped if its digest is that of the state entry and its live object is
    unchanged since. A plan without changes therefore needs no key.
    """
    return tuple(desired for desired in inputs.desired.values() if _may_need_write(desired, inputs))


def _may_need_write(desired: DesiredResource, inputs: PlanInputs) -> bool:
    if not desired.secrets:
        return False
    entry = inputs.entries.get(desired.address)
    if entry is None or entry.digest != desired.digest or entry.retired_at:
        return True
    if not entry.fingerprints.keys() >= desired.secrets.keys():
        return True
    live = inputs.live.get(entry.id)
    if live is None or live.status == "deleted" or live.address != desired.address:
        return True
    return live.updated_at != entry.updated_at
