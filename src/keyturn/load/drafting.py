"""A manifest drafted from what is live: plain fields as they are, secrets as "keep what is there"."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from msgspec import Struct

from keyturn.core.fields import dotted
from keyturn.core.resource import Live
from keyturn.load.definitions import SEAL, config_fields, secret_fields
from keyturn.load.nodes import read
from keyturn.load.quoting import block
from keyturn.load.schema import check

MOST = 3
"""How many secret fields a variant of a credential has at most, of those that must be there."""


class Draft(Struct, frozen=True):
    """A manifest as text that its schema accepts, and the live fields that it leaves out."""

    tree: Mapping[str, Any]
    text: str
    left_out: tuple[str, ...]


def draft(live: Live, tree: Mapping[str, Any]) -> Draft | None:
    """Return the smallest manifest that says what is live; None where the schema has no room for it.

    ``tree`` is the manifest without ``keep``. Which secrets a credential has is not shown by the
    service: the fewest that its variant needs are kept.
    """
    config = dict(tree.get("config") or {})
    known = config_fields(live.address.kind, live.type)
    extra = [key for key in config if known and key not in known]
    for more in _variants(live, tree, extra):
        text = block(more)
        document = read(text.encode(), f"{live.address.name}.yaml")
        if not check(document, live.address.kind):
            return Draft(more, text, tuple(f"config.{key}" for key in extra if key not in more["config"]))
    return None


def _variants(live: Live, tree: Mapping[str, Any], extra: list[str]) -> Iterator[dict[str, Any]]:
    if live.address.kind == "connection":
        yield dict(tree)
        yield {**tree, "undocumented": sorted(extra)}
    kept = {key: value for key, value in (tree.get("config") or {}).items() if key not in extra}
    for keep in _keeps(live):
        yield {**tree, "config": kept, **({"keep": list(keep)} if keep else {})}


def _keeps(live: Live) -> Iterator[tuple[str, ...]]:
    if live.address.kind != "credential":
        yield ()
        return
    fields = tuple(field for field in secret_fields("credential", live.type) if field != SEAL)
    shown = tuple(dotted(path[1:]) for path in live.suspicious if dotted(path[1:]) in fields)
    if shown:
        yield shown
    for size in range(MOST + 1):
        yield from combinations(fields, size)
