"""Two environments side by side: what is in one alone, and what differs in both; no secret's value."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct

from keyturn.core.address import Address
from keyturn.core.change import ABSENT
from keyturn.core.fields import Leaf, Path, same
from keyturn.core.resource import Desired

Strip = Callable[[str], str]
"""Takes the prefix of an environment off a name."""


class Difference(Struct, frozen=True):
    """A plain field, or ``("type",)`` and ``("labels", …)``; ``ABSENT`` where a side has none."""

    path: Path
    left: Leaf
    right: Leaf


class Contrast(Struct, frozen=True, kw_only=True):
    """One resource by its name without a prefix: who it is on either side, and what differs.

    ``secrets`` maps the path of each secret field to which side has it: ``left``, ``right``, ``both``,
    or ``same`` where both hold the same value, which only the keys of both can tell.
    """

    kind: str
    stem: str
    left: Address | None
    right: Address | None
    differences: tuple[Difference, ...] = ()
    secrets: Mapping[Path, str]

    @property
    def shared(self) -> tuple[Path, ...]:
        """The secret fields that hold the same value on both sides."""
        return tuple(path for path, side in self.secrets.items() if side == "same")

    @property
    def differs(self) -> bool:
        """Whether the two sides are anything but alike."""
        lone = any(side in {"left", "right"} for side in self.secrets.values())
        return self.left is None or self.right is None or bool(self.differences) or lone


class Contrasted(Struct, frozen=True):
    """Two workspaces by name, what sets them apart, and whether the values of secrets were compared too."""

    names: tuple[str, str]
    pairs: tuple[Contrast, ...]
    opened: bool


def contrast(
    left: Iterable[Desired],
    right: Iterable[Desired],
    strip: tuple[Strip, Strip],
    equal: frozenset[tuple[Address, Path]] = frozenset(),
) -> tuple[Contrast, ...]:
    """Compare two sides by kind and name without a prefix; sorted by both.

    ``strip`` are the two sides' own ways to take the prefix off; a name that would then stand for
    two resources keeps it. ``equal`` are the secrets of the left side whose value the right side's
    counterpart has as well.
    """
    ours, theirs = _stems(left, strip[0]), _stems(right, strip[1])
    return tuple(
        _pair(key, ours.get(key), theirs.get(key), strip, equal)
        for key in sorted(ours.keys() | theirs.keys())
    )


def _stems(side: Iterable[Desired], strip: Strip) -> dict[tuple[str, str], Desired]:
    everything = list(side)
    stems = Counter((each.address.kind, strip(each.address.name)) for each in everything)
    found = {}
    for each in everything:
        stem = strip(each.address.name)
        alone = stems[each.address.kind, stem] == 1
        found[each.address.kind, stem if alone else each.address.name] = each
    return found


def _pair(
    key: tuple[str, str],
    left: Desired | None,
    right: Desired | None,
    strip: tuple[Strip, Strip],
    equal: frozenset[tuple[Address, Path]],
) -> Contrast:
    differences: tuple[Difference, ...] = ()
    secrets: dict[Path, str] = {}
    if left and right:
        differences = tuple(_differences(left, right, strip))
        held, others = {*left.secrets, *left.keep}, {*right.secrets, *right.keep}
        for path in sorted(held | others):
            side = "both" if path in held and path in others else "left" if path in held else "right"
            secrets[path] = "same" if (left.address, path) in equal else side
    return Contrast(
        kind=key[0],
        stem=key[1],
        left=left.address if left else None,
        right=right.address if right else None,
        differences=differences,
        secrets=secrets,
    )


def _differences(left: Desired, right: Desired, strip: tuple[Strip, Strip]) -> Iterator[Difference]:
    if left.type != right.type:
        yield Difference(("type",), left.type, right.type)
    for path in sorted({*left.fields, *right.fields}):
        ours, theirs = left.fields.get(path, ABSENT), right.fields.get(path, ABSENT)
        if not same(_plain(ours, strip[0]), _plain(theirs, strip[1])):
            yield Difference(path, ours, theirs)
    for label in sorted({*left.labels, *right.labels} - {"environment"}):
        ours, theirs = left.labels.get(label, ABSENT), right.labels.get(label, ABSENT)
        if ours != theirs:
            yield Difference(("labels", label), ours, theirs)


def _plain(leaf: Leaf, strip: Strip) -> Leaf:
    return f"{leaf.kind}/{strip(leaf.name)}" if isinstance(leaf, Address) else leaf
