"""Two environments told side by side."""

from collections.abc import Iterator
from typing import Any, Final

from keyturn.core.address import Address
from keyturn.core.change import ABSENT
from keyturn.core.contrast import Contrast, Contrasted
from keyturn.core.fields import Leaf, Path, dotted
from keyturn.render.cells import fold
from keyturn.render.forms import chosen
from keyturn.render.json_text import dumped
from keyturn.render.parts import Tone
from keyturn.render.safe import line
from keyturn.render.style import PLAIN, Style, paint, strong
from keyturn.render.values import hidden, pair

FORMAT: Final = "1.0"


def draw_contrast(found: Contrasted, form: str = "text", style: Style = PLAIN) -> str:
    """Return what sets two workspaces apart as ``text`` or ``json``; raises ValueError for another form."""
    forms = {
        "text": lambda: contrast_text(found.names, found.pairs, style),
        "json": lambda: contrast_json(found.names, found.pairs, opened=found.opened),
    }
    return chosen(forms, form)()


def contrast_text(names: tuple[str, str], pairs: tuple[Contrast, ...], style: Style = PLAIN) -> str:
    """Return what differs between two workspaces, and a last line that counts and can be parsed.

    It reads ``Diff staging → prod: 3 alike, 2 differ, 1 only in staging, 0 only in prod, 0 share a secret.``
    """
    lines = [text for each in pairs for text in _lines(names, each, style)]
    return "\n".join([*lines, *([""] if lines else []), strong(total(names, pairs), style)]) + "\n"


def contrast_json(names: tuple[str, str], pairs: tuple[Contrast, ...], *, opened: bool) -> str:
    """Return the same as JSON, as ``schemas/diff.schema.json`` says."""
    counts: dict[str, Any] = {**_counts(pairs), "line": total(names, pairs)}
    return dumped(
        {
            "format_version": FORMAT,
            "from": names[0],
            "to": names[1],
            "secrets_compared": opened,
            "summary": counts,
            "resources": [_tree(each) for each in pairs],
        }
    )


def total(names: tuple[str, str], pairs: tuple[Contrast, ...]) -> str:
    """Return the last line."""
    left, right = map(line, names)
    counts = _counts(pairs)
    return (
        f"Diff {left} → {right}: {counts['alike']} alike, {counts['differ']} differ, "
        f"{counts['only_from']} only in {left}, {counts['only_to']} only in {right}, "
        f"{counts['share_a_secret']} share a secret."
    )


def _counts(pairs: tuple[Contrast, ...]) -> dict[str, int]:
    both = [each for each in pairs if each.left and each.right]
    return {
        "alike": sum(not each.differs for each in both),
        "differ": sum(each.differs for each in both),
        "only_from": sum(each.right is None for each in pairs),
        "only_to": sum(each.left is None for each in pairs),
        "share_a_secret": sum(bool(each.shared) for each in pairs),
    }


def _lines(names: tuple[str, str], each: Contrast, style: Style) -> Iterator[str]:
    if each.left is None or each.right is None:
        where, there = (names[1], each.right) if each.left is None else (names[0], each.left)
        mark, tone = ("+ ", Tone.GAIN) if each.left is None else ("- ", Tone.DANGER)
        yield paint(fold(mark, f"{line(str(there))}  only in {line(where)}", style.width), tone, style)
        return
    if not each.differs and not each.shared:
        return
    head = f"{line(str(each.left))} → {line(str(each.right))}"
    yield paint(fold("~ ", head, style.width), Tone.CHANGE, style)
    for one in each.differences:
        before, after = pair(one.path, one.left, one.right)
        yield fold("    ", f"{line(dotted(one.path))}  {line(before)} → {line(after)}", style.width)
    for path, side in each.secrets.items():
        yield from _secret(names, path, side, style)


def _secret(names: tuple[str, str], path: Path, side: str, style: Style) -> Iterator[str]:
    label = f"secrets.{line(dotted(path))}"
    if side == "same":
        text = f"{label}  the same secret in both: whoever has one environment has the other"
        yield paint(fold("  ! ", text, style.width), Tone.DANGER, style)
    elif side != "both":
        where = names[0] if side == "left" else names[1]
        yield fold("    ", f"{label}  only in {line(where)}", style.width)


def _tree(each: Contrast) -> dict[str, Any]:
    only = "to" if each.left is None else "from" if each.right is None else None
    return {
        "kind": each.kind,
        "name": each.stem,
        "from": each.left.name if each.left else None,
        "to": each.right.name if each.right else None,
        "only_in": only,
        "differs": each.differs,
        "fields": [
            {"path": dotted(one.path), "from": _shown(one.path, one.left), "to": _shown(one.path, one.right)}
            for one in each.differences
        ],
        "secrets": [{"path": dotted(path), "in": _SIDES[side]} for path, side in each.secrets.items()],
    }


_SIDES: Final = {"left": "from", "right": "to", "both": "both", "same": "same value in both"}


def _shown(path: Path, leaf: Leaf) -> Any:
    if leaf == ABSENT:
        return None
    if hidden(path, leaf):
        return "(hidden: looks like a secret)"
    return str(leaf) if isinstance(leaf, Address) else leaf
