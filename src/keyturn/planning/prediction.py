"""Prediction: the fields that the service holds after a change, and the credentials that they refer to.

A PUT merges or replaces, and the deployment decides which. Under merge semantics, a field that the
manifest drops stays live, even the credential of a connection.
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from keyturn.model.address import Address
from keyturn.model.change import MISSING, Action, Change
from keyturn.model.fields import FieldPath, Fields, Leaf
from keyturn.model.resource import EMPTY
from keyturn.planning.inputs import PlanInputs

NEW_OBJECT_ACTIONS = frozenset({Action.CREATE, Action.REPLACE})
"""The actions that make a new object."""

MIN_ID_PART_LENGTH = 8
"""A shorter ID is recognized only as a whole text: as a part of a text, it would match by chance."""


def predict_fields(change: Change, *, merges: bool) -> tuple[Fields, ...]:
    """Return the possible fields of the object of a change after the apply.

    ``merges`` means that the deployment is known to merge; otherwise both semantics are possible. A
    restored object also has its previous fields for a moment.
    """
    if change.desired is None:
        return ()
    desired, live = change.desired.fields, change.live
    if live is None or change.action in NEW_OBJECT_ACTIONS:
        return (desired,)
    predicted = [merge_fields(live.fields, desired)]
    if not merges:
        replaced = predict_replaced_fields(change, live.fields, desired)
        # Outside of the settings, even a PUT that replaces leaves what it omits: a credential may stay.
        attached = {path: leaf for path, leaf in live.fields.items() if path[0] != "config"}
        predicted.append({**attached, **replaced} if attached.keys() - replaced.keys() else replaced)
    if change.action is Action.RESTORE:
        predicted.append(live.fields)
    return tuple(predicted)


def predict_replaced_fields(change: Change, live: Fields, desired: Fields) -> Fields:
    """Return the fields after a PUT that replaces: a connection sends its unmanaged live fields, too."""
    if change.address.kind != "connection":
        return desired
    dropped = {field.path for field in change.fields if field.desired == MISSING}
    return merge_fields({path: leaf for path, leaf in live.items() if path not in dropped}, desired)


def merge_fields(unmanaged: Fields, managed: Fields) -> Fields:
    """Return both sets of fields; a managed path replaces an unmanaged one above, at or below it."""
    kept = {
        path: leaf
        for path, leaf in unmanaged.items()
        if not any(_is_same_branch(path, managed_path) for managed_path in managed)
    }
    return {**kept, **managed}


def _is_same_branch(left: FieldPath, right: FieldPath) -> bool:
    shorter = min(len(left), len(right))
    return left[:shorter] == right[:shorter]


class CredentialIndex(Struct, frozen=True, kw_only=True):
    """The credentials by ID in lower case, and the new addresses of those that the plan renames.

    ``lengths`` are the lengths of the IDs that are also recognized as a part of a text.
    """

    by_id: Mapping[str, Address]
    renamed: Mapping[Address, Address]
    lengths: frozenset[int]

    @classmethod
    def from_plan(cls, inputs: PlanInputs, changes: Iterable[Change]) -> "CredentialIndex":
        """Index the credentials of the state and of the live objects."""
        renamed = {
            change.entry.address: change.address
            for change in changes
            if change.entry and change.entry.address != change.address
        }
        known = [(each.id, each.address) for each in inputs.live.values()]
        known += [(each.id, each.address) for each in inputs.entries.values()]
        by_id = {
            object_id.casefold(): renamed.get(address, address)
            for object_id, address in known
            if address.kind == "credential" and object_id
        }
        lengths = frozenset(len(each) for each in by_id if len(each) >= MIN_ID_PART_LENGTH)
        return cls(by_id=by_id, renamed=renamed, lengths=lengths)

    def resolve_leaf(self, leaf: Leaf) -> Leaf:
        """Return the address of a credential for its ID, and any other leaf unchanged."""
        return self.by_id.get(leaf.casefold(), leaf) if isinstance(leaf, str) else leaf

    def follow_rename(self, fields: Fields) -> Fields:
        """Return recorded fields with the new addresses of renamed credentials."""
        if self.renamed.keys().isdisjoint(leaf for leaf in fields.values() if isinstance(leaf, Address)):
            return fields
        return {
            path: self.renamed.get(leaf, leaf) if isinstance(leaf, Address) else leaf
            for path, leaf in fields.items()
        }

    def find_references(self, fields: Fields) -> dict[Address, frozenset[FieldPath]]:
        """Return the paths that refer to each credential: a reference, or a text that contains its ID."""
        found: dict[Address, set[FieldPath]] = {}
        for path, leaf in fields.items():
            for credential in self.find_credentials(leaf):
                found.setdefault(credential, set()).add(path)
        return {credential: frozenset(paths) for credential, paths in found.items()}

    def find_credentials(self, leaf: Leaf) -> frozenset[Address]:
        """Return the credentials that a leaf refers to."""
        if isinstance(leaf, Address):
            return frozenset({leaf} if leaf.kind == "credential" else ())
        return frozenset(
            self.by_id[each] for text in _walk_texts(leaf) for each in self._find_ids(text.casefold())
        )

    def _find_ids(self, text: str) -> set[str]:
        found = {text} & self.by_id.keys()
        for length in self.lengths:
            windows = (text[start : start + length] for start in range(len(text) - length + 1))
            found |= self.by_id.keys() & windows
        return found


NO_CREDENTIALS = CredentialIndex(by_id=EMPTY, renamed=EMPTY, lengths=frozenset())
"""The index of a plan without changes."""


def _walk_texts(leaf: object) -> Iterator[str]:
    match leaf:
        case str():
            yield leaf
        case list():
            for item in leaf:
                yield from _walk_texts(item)
        case Mapping():
            for key, value in leaf.items():
                yield from _walk_texts(key)
                yield from _walk_texts(value)
