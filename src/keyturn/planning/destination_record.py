"""Destinations on record, and their comparison with the destination that an object will have."""

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from keyturn.model.address import Address
from keyturn.model.change import MISSING
from keyturn.model.fields import FieldPath, Fields, Leaf, values_equal
from keyturn.model.resource import EMPTY, DesiredResource, LiveObject, StateEntry
from keyturn.planning.prediction import CredentialIndex

TYPE_PATH = ("type",)
"""The path under which a different type is reported."""


class DestinationPredicate(Protocol):
    """Tells whether the field of a kind, type and path determines where a secret is sent.

    A leaf that does not fit its field makes a destination of any field.
    """

    def __call__(self, kind: str, type: str, path: FieldPath, leaf: object = None, /) -> bool:  # noqa: A002
        """Return whether the field is a destination."""


class DestinationRules(Struct, frozen=True, kw_only=True):
    """What the schemas say about destinations.

    ``is_named`` tells whether the schema of a kind and type names a field. ``merges`` means that the
    deployment merges a PUT.
    """

    is_destination: DestinationPredicate
    is_named: Callable[[str, str, FieldPath], bool] = lambda _kind, _type, _path: False
    merges: bool = False


class DestinationRecord(Struct, frozen=True, kw_only=True):
    """A destination on record: as it was written, and as the service returned it.

    ``references`` has the paths that refer to each credential. An empty ``type`` is an unknown one.
    """

    type: str = ""
    applied: Fields = EMPTY
    observed: Fields = EMPTY
    references: Mapping[Address, frozenset[FieldPath]] = EMPTY
    is_retired: bool = False

    def first_value(self, path: FieldPath) -> Leaf:
        """Return the written value of a field, else the returned one."""
        return self.type if path == TYPE_PATH else self.applied.get(path, self.observed.get(path, MISSING))

    def has_references(self, credential: Address, paths: frozenset[FieldPath]) -> bool:
        """Tell whether all these paths refer to a credential."""
        return paths <= self.references.get(credential, frozenset())


NO_RECORD = DestinationRecord()
"""The record of an object that keyturn never wrote."""


class PredictedObject(Struct, frozen=True, kw_only=True):
    """An object with one prediction of its fields; ``references`` refer to the judged credential.

    ``is_new``: the fields are those of the manifest alone, and the service fills in what it omits.
    ``is_live``: the fields are those of the live object, of which the service may hide some.
    """

    kind: str
    type: str
    fields: Fields
    references: frozenset[FieldPath] = frozenset()
    is_new: bool = False
    is_live: bool = False

    def find_value(self, path: FieldPath) -> Leaf:
        """Return the value of a field, ``MISSING`` for none."""
        return self.type if path == TYPE_PATH else self.fields.get(path, MISSING)


class DestinationComparer(Struct, frozen=True, kw_only=True):
    """Compares destinations by the rules of the schemas; references are compared by credential."""

    rules: DestinationRules
    index: CredentialIndex

    def list_destinations(self, kind: str, type_: str, fields: Fields) -> list[FieldPath]:
        """Return the paths of the destination fields, sorted."""
        is_destination = self.rules.is_destination
        return sorted(path for path, leaf in fields.items() if is_destination(kind, type_, path, leaf))

    def find_differences(
        self,
        predicted: PredictedObject,
        record: DestinationRecord,
        ignored: frozenset[FieldPath] = frozenset(),
    ) -> tuple[FieldPath, ...]:
        """Return the destination fields of either side that differ from the record."""
        kind = predicted.kind
        paths = {
            *self.list_destinations(kind, predicted.type, predicted.fields),
            *self.list_destinations(kind, record.type, record.applied),
            *self.list_destinations(kind, record.type, record.observed),
        }
        differing = sorted(path for path in paths - ignored if not self._is_kept(path, predicted, record))
        return ((TYPE_PATH,) if record.type not in {"", predicted.type} else ()) + tuple(differing)

    def _is_kept(self, path: FieldPath, predicted: PredictedObject, record: DestinationRecord) -> bool:
        resolve = self.index.resolve_leaf
        known = [resolve(side[path]) for side in (record.applied, record.observed) if path in side]
        is_optional = (
            not known
            or (predicted.is_new and path not in record.applied)
            or (predicted.is_live and path not in record.observed)
        )
        value = resolve(predicted.fields.get(path, MISSING))
        return (value == MISSING and is_optional) or any(values_equal(value, each) for each in known)

    def record_entry(self, entry: StateEntry) -> DestinationRecord:
        """Return the destination that the state recorded at the last write or import."""
        applied = self.index.follow_rename(entry.applied)
        written, returned = self.index.find_references(applied), self.index.find_references(entry.observed)
        return DestinationRecord(
            type=entry.type,
            applied=applied,
            observed=entry.observed,
            references={
                credential: written.get(credential, frozenset()) | returned.get(credential, frozenset())
                for credential in {*written, *returned}
            },
            is_retired=bool(entry.retired_at),
        )

    def record_live(self, live: LiveObject) -> DestinationRecord:
        """Return the destination that a live object has now."""
        references = self.index.find_references(live.fields)
        return DestinationRecord(type=live.type, observed=live.fields, references=references)


def moved_destinations(
    entry: StateEntry, live: LiveObject, is_destination: DestinationPredicate
) -> tuple[FieldPath, ...]:
    """Return the destination fields of a live object that changed since the last apply.

    This includes fields that were added outside keyturn.
    """
    paths = set(entry.observed)
    if live.has_config:
        paths |= {path for path in live.fields if path not in entry.applied}
    kind, observed = live.address.kind, entry.observed
    return tuple(
        path
        for path in sorted(paths)
        if (
            is_destination(kind, live.type, path, live.fields.get(path))
            or is_destination(kind, live.type, path, observed.get(path))
        )
        and not values_equal(observed.get(path, MISSING), live.fields.get(path, MISSING))
    )


def is_moved_outside(
    desired: DesiredResource,
    entry: StateEntry,
    live: LiveObject,
    addresses: Mapping[str, Address],
    is_destination: DestinationPredicate,
) -> bool:
    """Tell whether a live object has a destination or credential that the state did not record.

    The manifest may state it as well: somebody set it outside keyturn, and then wrote it into the manifest.
    ``addresses`` maps the IDs of managed objects.
    """
    if moved_destinations(entry, live, is_destination):
        return True
    kind, type_ = desired.address.kind, desired.type
    for path, leaf in desired.fields.items():
        if isinstance(leaf, Address) or is_destination(kind, type_, path, leaf):
            observed = entry.observed.get(path, MISSING)
            resolved = addresses.get(observed, observed) if isinstance(observed, str) else observed
            if not any(values_equal(leaf, known) for known in (entry.applied.get(path, MISSING), resolved)):
                return True
    return False
