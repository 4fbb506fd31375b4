"""A pull told: what was written where, and what was left and why."""

from collections.abc import Iterator
from typing import Any, Final

from keyturn.core.address import Address
from keyturn.core.change import MISSING, FieldChange
from keyturn.core.counting import pluralize
from keyturn.core.fields import Leaf, FieldPath, format_path
from keyturn.core.pulled import PullResult
from keyturn.render.cells import wrap_text
from keyturn.render.forms import select_format
from keyturn.render.json_text import dump_pretty
from keyturn.render.parts import Tone
from keyturn.render.safe import escape_line
from keyturn.render.style import PLAIN_STYLE, TerminalStyle, colorize, make_bold
from keyturn.render.values import is_hidden, format_pair

PULL_FORMAT_VERSION: Final = "1.0"


def render_pull(workspace: str, results: tuple[PullResult, ...], form: str = "text", style: TerminalStyle = PLAIN_STYLE) -> str:
    """Return a pull as ``text`` or ``json``; raises ValueError for another form."""
    forms = {"text": lambda: render_pull_text(results, style), "json": lambda: render_pull_json(workspace, results)}
    return select_format(forms, form)()


def render_pull_text(results: tuple[PullResult, ...], style: TerminalStyle = PLAIN_STYLE) -> str:
    """Return each field that was written or left, and a last line that counts and can be parsed.

    It reads ``Pull: 3 fields of 2 files written, 1 left.`` or ``Pull: no drift.``
    """
    lines = [text for each in results for text in _render_pulled(each, style)]
    return "\n".join([*lines, *([""] if lines else []), make_bold(summarize_pull(results), style)]) + "\n"


def render_pull_json(workspace: str, results: tuple[PullResult, ...]) -> str:
    """Return the same as JSON, as ``schemas/pull.schema.json`` says."""
    counts = {
        "written": sum(len(each.written) for each in results),
        "files": sum(bool(each.written) for each in results),
        "left": sum(len(each.skipped) for each in results),
        "line": summarize_pull(results),
    }
    manifests = [_pulled_to_json(each) for each in results]
    return dump_pretty(
        {"format_version": PULL_FORMAT_VERSION, "workspace": workspace, "summary": counts, "manifests": manifests}
    )


def summarize_pull(results: tuple[PullResult, ...]) -> str:
    """Return the last line."""
    if not results:
        return "Pull: no drift."
    written = sum(len(each.written) for each in results)
    files = sum(bool(each.written) for each in results)
    left = sum(len(each.skipped) for each in results)
    fields = f"{pluralize(written, 'field')} of {pluralize(files, 'file')}"
    return f"Pull: {fields} written, {left} left."


def _render_pulled(each: PullResult, style: TerminalStyle) -> Iterator[str]:
    yield colorize(f"{escape_line(str(each.address))}  {escape_line(each.file)}", Tone.CHANGE, style)
    for field in each.written:
        before, after = format_pair(field.path, field.desired, field.live)
        mark, told = ("- ", "gone live") if field.live == MISSING else ("~ ", escape_line(after))
        yield wrap_text(f"  {mark}", f"{escape_line(format_path(field.path))}  {escape_line(before)} → {told}", style.width)
    if each.resealed:
        yield wrap_text("  ~ ", "the seal: its secrets are bound to the new destination", style.width)
    for left in each.skipped:
        text = wrap_text("  ! ", f"{escape_line(format_path(left.path))}  left: {escape_line(left.reason)}", style.width)
        yield colorize(text, Tone.WARNING, style)
        if left.needed_approval:
            agree = f"--allow-destination-change {escape_line(left.needed_approval)}"
            yield colorize(wrap_text("      next  ", f"if it is meant: {agree}", style.width), Tone.MUTED, style)


def _pulled_to_json(each: PullResult) -> dict[str, Any]:
    return {
        "address": str(each.address),
        "file": each.file,
        "sealed": each.resealed,
        "written": [_field_to_json(field) for field in each.written],
        "left": [
            {"path": format_path(left.path), "why": left.reason, "consent": left.needed_approval or None}
            for left in each.skipped
        ],
    }


def _field_to_json(field: FieldChange) -> dict[str, Any]:
    return {
        "path": format_path(field.path),
        "action": "remove" if field.live == MISSING else "set",
        "before": _leaf_to_json(field.path, field.desired),
        "after": _leaf_to_json(field.path, field.live),
    }


def _leaf_to_json(path: FieldPath, leaf: Leaf) -> Any:
    if leaf == MISSING:
        return None
    if is_hidden(path, leaf):
        return "(hidden: looks like a secret)"
    return str(leaf) if isinstance(leaf, Address) else leaf
