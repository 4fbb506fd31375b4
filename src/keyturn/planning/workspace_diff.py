"""Two environments side by side: what is in one alone, and what differs in both; no secret's value."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct

from keyturn.model.address import Address
from keyturn.model.change import MISSING
from keyturn.model.fields import FieldPath, Leaf, values_equal
from keyturn.model.resource import DesiredResource

PrefixStripper = Callable[[str], str]
"""Takes the prefix of an environment off a name."""


class FieldDifference(Struct, frozen=True):
    """A plain field, or ``("type",)`` and ``("labels", …)``; ``ABSENT`` where a side has none."""

    path: FieldPath
    left: Leaf
    right: Leaf


class ResourceDiff(Struct, frozen=True, kw_only=True):
    """One resource by its name without a prefix: who it is on either side, and what differs.

    ``secrets`` maps the path of each secret field to which side has it: ``left``, ``right``, ``both``,
    or ``same`` where both hold the same value, which only the keys of both can tell.
    """

    kind: str
    base_name: str
    left: Address | None
    right: Address | None
    differences: tuple[FieldDifference, ...] = ()
    secrets: Mapping[FieldPath, str]

    @property
    def shared_secrets(self) -> tuple[FieldPath, ...]:
        """The secret fields that hold the same value on both sides."""
        return tuple(path for path, side in self.secrets.items() if side == "same")

    @property
    def has_differences(self) -> bool:
        """Whether the two sides are anything but alike."""
        lone = any(side in {"left", "right"} for side in self.secrets.values())
        return self.left is None or self.right is None or bool(self.differences) or lone


class WorkspaceDiff(Struct, frozen=True):
    """Two workspaces by name, what sets them apart, and whether the values of secrets were compared too."""

    names: tuple[str, str]
    resources: tuple[ResourceDiff, ...]
    secrets_compared: bool


def diff_resources(
    left: Iterable[DesiredResource],
    right: Iterable[DesiredResource],
    strip: tuple[PrefixStripper, PrefixStripper],
    equal: frozenset[tuple[Address, FieldPath]] = frozenset(),
) -> tuple[ResourceDiff, ...]:
    """Compare two sides by kind and name without a prefix; sorted by both.

    ``strip`` are the two sides' own ways to take the prefix off; a name that would then stand for
    two resources keeps it. ``equal`` are the secrets of the left side whose value the right side's
    counterpart has as well.
    """
    ours, theirs = _by_base_name(left, strip[0]), _by_base_name(right, strip[1])
    return tuple(
        _diff_pair(key, ours.get(key), theirs.get(key), strip, equal)
        for key in sorted(ours.keys() | theirs.keys())
    )


def _by_base_name(
    side: Iterable[DesiredResource], strip: PrefixStripper
) -> dict[tuple[str, str], DesiredResource]:
    everything = list(side)
    stems = Counter((each.address.kind, strip(each.address.name)) for each in everything)
    found = {}
    for each in everything:
        stem = strip(each.address.name)
        alone = stems[each.address.kind, stem] == 1
        found[each.address.kind, stem if alone else each.address.name] = each
    return found


def _diff_pair(
    key: tuple[str, str],
    left: DesiredResource | None,
    right: DesiredResource | None,
    strip: tuple[PrefixStripper, PrefixStripper],
    equal: frozenset[tuple[Address, FieldPath]],
) -> ResourceDiff:
    differences: tuple[FieldDifference, ...] = ()
    secrets: dict[FieldPath, str] = {}
    if left and right:
        differences = tuple(_field_differences(left, right, strip))
        held, others = {*left.secrets, *left.kept_secrets}, {*right.secrets, *right.kept_secrets}
        for path in sorted(held | others):
            side = "both" if path in held and path in others else "left" if path in held else "right"
            secrets[path] = "same" if (left.address, path) in equal else side
    return ResourceDiff(
        kind=key[0],
        base_name=key[1],
        left=left.address if left else None,
        right=right.address if right else None,
        differences=differences,
        secrets=secrets,
    )


def _field_differences(
    left: DesiredResource, right: DesiredResource, strip: tuple[PrefixStripper, PrefixStripper]
) -> Iterator[FieldDifference]:
    if left.type != right.type:
        yield FieldDifference(("type",), left.type, right.type)
    for path in sorted({*left.fields, *right.fields}):
        ours, theirs = left.fields.get(path, MISSING), right.fields.get(path, MISSING)
        if not values_equal(_without_prefix(ours, strip[0]), _without_prefix(theirs, strip[1])):
            yield FieldDifference(path, ours, theirs)
    for label in sorted({*left.labels, *right.labels} - {"environment"}):
        ours, theirs = left.labels.get(label, MISSING), right.labels.get(label, MISSING)
        if ours != theirs:
            yield FieldDifference(("labels", label), ours, theirs)


def _without_prefix(leaf: Leaf, strip: PrefixStripper) -> Leaf:
    return f"{leaf.kind}/{strip(leaf.name)}" if isinstance(leaf, Address) else leaf
