"""A pull told: what was written where, and what was left and why."""

from collections.abc import Iterator
from typing import Any, Final

from keyturn.core.address import Address
from keyturn.core.change import ABSENT, FieldChange
from keyturn.core.counting import numbered
from keyturn.core.fields import Leaf, Path, dotted
from keyturn.core.pulled import Pulled
from keyturn.render.cells import fold
from keyturn.render.forms import chosen
from keyturn.render.json_text import dumped
from keyturn.render.parts import Tone
from keyturn.render.safe import line
from keyturn.render.style import PLAIN, Style, paint, strong
from keyturn.render.values import hidden, pair

FORMAT: Final = "1.0"


def draw_pulled(workspace: str, pulled: tuple[Pulled, ...], form: str = "text", style: Style = PLAIN) -> str:
    """Return a pull as ``text`` or ``json``; raises ValueError for another form."""
    forms = {"text": lambda: pulled_text(pulled, style), "json": lambda: pulled_json(workspace, pulled)}
    return chosen(forms, form)()


def pulled_text(pulled: tuple[Pulled, ...], style: Style = PLAIN) -> str:
    """Return each field that was written or left, and a last line that counts and can be parsed.

    It reads ``Pull: 3 fields of 2 files written, 1 left.`` or ``Pull: no drift.``
    """
    lines = [text for each in pulled for text in _lines(each, style)]
    return "\n".join([*lines, *([""] if lines else []), strong(total(pulled), style)]) + "\n"


def pulled_json(workspace: str, pulled: tuple[Pulled, ...]) -> str:
    """Return the same as JSON, as ``schemas/pull.schema.json`` says."""
    counts = {
        "written": sum(len(each.written) for each in pulled),
        "files": sum(bool(each.written) for each in pulled),
        "left": sum(len(each.left) for each in pulled),
        "line": total(pulled),
    }
    manifests = [_tree(each) for each in pulled]
    return dumped(
        {"format_version": FORMAT, "workspace": workspace, "summary": counts, "manifests": manifests}
    )


def total(pulled: tuple[Pulled, ...]) -> str:
    """Return the last line."""
    if not pulled:
        return "Pull: no drift."
    written = sum(len(each.written) for each in pulled)
    files = sum(bool(each.written) for each in pulled)
    left = sum(len(each.left) for each in pulled)
    fields = f"{numbered(written, 'field')} of {numbered(files, 'file')}"
    return f"Pull: {fields} written, {left} left."


def _lines(each: Pulled, style: Style) -> Iterator[str]:
    yield paint(f"{line(str(each.address))}  {line(each.file)}", Tone.CHANGE, style)
    for field in each.written:
        before, after = pair(field.path, field.wanted, field.live)
        mark, told = ("- ", "gone live") if field.live == ABSENT else ("~ ", line(after))
        yield fold(f"  {mark}", f"{line(dotted(field.path))}  {line(before)} → {told}", style.width)
    if each.sealed:
        yield fold("  ~ ", "the seal: its secrets are bound to the new destination", style.width)
    for left in each.left:
        text = fold("  ! ", f"{line(dotted(left.path))}  left: {line(left.why)}", style.width)
        yield paint(text, Tone.CARE, style)
        if left.consent:
            agree = f"--allow-destination-change {line(left.consent)}"
            yield paint(fold("      next  ", f"if it is meant: {agree}", style.width), Tone.QUIET, style)


def _tree(each: Pulled) -> dict[str, Any]:
    return {
        "address": str(each.address),
        "file": each.file,
        "sealed": each.sealed,
        "written": [_written(field) for field in each.written],
        "left": [
            {"path": dotted(left.path), "why": left.why, "consent": left.consent or None}
            for left in each.left
        ],
    }


def _written(field: FieldChange) -> dict[str, Any]:
    return {
        "path": dotted(field.path),
        "action": "remove" if field.live == ABSENT else "set",
        "before": _shown(field.path, field.wanted),
        "after": _shown(field.path, field.live),
    }


def _shown(path: Path, leaf: Leaf) -> Any:
    if leaf == ABSENT:
        return None
    if hidden(path, leaf):
        return "(hidden: looks like a secret)"
    return str(leaf) if isinstance(leaf, Address) else leaf
