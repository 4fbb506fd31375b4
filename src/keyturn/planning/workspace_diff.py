"""Comparison of the manifests of two workspaces, without secret values."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct

from keyturn.model.address import Address
from keyturn.model.change import MISSING
from keyturn.model.fields import FieldPath, Leaf, values_equal
from keyturn.model.resource import DesiredResource

PrefixStripper = Callable[[str], str]
"""Removes the prefix of a workspace from a name."""


class FieldDifference(Struct, frozen=True):
    """A field that differs, ``("type",)`` or ``("labels", …)``; ``MISSING`` if a side has no value."""

    path: FieldPath
    left: Leaf
    right: Leaf


class ResourceDiff(Struct, frozen=True, kw_only=True):
    """The differences of one resource, identified by its name without prefix.

    ``secrets`` maps the path of each secret field to the side that has it: ``left``, ``right``,
    ``both``, or ``same`` if both have the same value, which requires the keys of both sides.
    """

    kind: str
    base_name: str
    left: Address | None
    right: Address | None
    differences: tuple[FieldDifference, ...] = ()
    secrets: Mapping[FieldPath, str]

    @property
    def shared_secrets(self) -> tuple[FieldPath, ...]:
        """The secret fields with the same value on both sides."""
        return tuple(path for path, side in self.secrets.items() if side == "same")

    @property
    def has_differences(self) -> bool:
        """Whether the two sides differ."""
        is_one_sided = any(side in {"left", "right"} for side in self.secrets.values())
        return self.left is None or self.right is None or bool(self.differences) or is_one_sided


class WorkspaceDiff(Struct, frozen=True):
    """The comparison of two workspaces; ``secrets_compared`` includes the values of secrets."""

    names: tuple[str, str]
    resources: tuple[ResourceDiff, ...]
    secrets_compared: bool


def diff_resources(
    left: Iterable[DesiredResource],
    right: Iterable[DesiredResource],
    strip: tuple[PrefixStripper, PrefixStripper],
    equal: frozenset[tuple[Address, FieldPath]] = frozenset(),
) -> tuple[ResourceDiff, ...]:
    """Compare two sides by kind and name without prefix; the result is sorted by both.

    ``strip`` removes the prefix of the left and of the right side; a name that would become
    ambiguous keeps its prefix. ``equal`` lists the secrets of the left side with the same value on
    the right side.
    """
    left_by_name, right_by_name = _by_base_name(left, strip[0]), _by_base_name(right, strip[1])
    return tuple(
        _diff_pair(key, left_by_name.get(key), right_by_name.get(key), strip, equal)
        for key in sorted(left_by_name.keys() | right_by_name.keys())
    )


def _by_base_name(
    resources: Iterable[DesiredResource], strip: PrefixStripper
) -> dict[tuple[str, str], DesiredResource]:
    resources = list(resources)
    counts = Counter((each.address.kind, strip(each.address.name)) for each in resources)
    by_name = {}
    for resource in resources:
        kind, name = resource.address.kind, resource.address.name
        by_name[kind, strip(name) if counts[kind, strip(name)] == 1 else name] = resource
    return by_name


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
        left_paths, right_paths = {*left.secrets, *left.kept_secrets}, {*right.secrets, *right.kept_secrets}
        for path in sorted(left_paths | right_paths):
            is_left, is_right = path in left_paths, path in right_paths
            side = "both" if is_left and is_right else "left" if is_left else "right"
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
        left_value, right_value = left.fields.get(path, MISSING), right.fields.get(path, MISSING)
        if not values_equal(_without_prefix(left_value, strip[0]), _without_prefix(right_value, strip[1])):
            yield FieldDifference(path, left_value, right_value)
    for label in sorted({*left.labels, *right.labels} - {"environment"}):
        left_value, right_value = left.labels.get(label, MISSING), right.labels.get(label, MISSING)
        if left_value != right_value:
            yield FieldDifference(("labels", label), left_value, right_value)


def _without_prefix(leaf: Leaf, strip: PrefixStripper) -> Leaf:
    return f"{leaf.kind}/{strip(leaf.name)}" if isinstance(leaf, Address) else leaf
