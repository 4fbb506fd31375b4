"""An import told: each object with its file, or why it was left out."""

from collections.abc import Iterator
from typing import Any, Final

from keyturn.model.address import Address
from keyturn.model.change import MISSING, FieldChange
from keyturn.model.diagnostic import pluralize
from keyturn.model.fields import FieldPath, Leaf, format_path
from keyturn.model.results import ImportResult, PullResult
from keyturn.views.escaping import escape_line
from keyturn.views.forms import select_format
from keyturn.views.json_output import dump_pretty
from keyturn.views.terminal import PLAIN_STYLE, TerminalStyle, Tone, colorize, make_bold, wrap_text
from keyturn.views.values import format_pair, is_hidden

IMPORT_FORMAT_VERSION: Final = "1.0"


def render_import(workspace: str, results: tuple[ImportResult, ...], form: str = "text") -> str:
    """Return an import as ``text`` or ``json``; raises ValueError for another form."""
    forms = {
        "text": lambda: render_import_text(results),
        "json": lambda: render_import_json(workspace, results),
    }
    return select_format(forms, form)()


def render_import_text(results: tuple[ImportResult, ...]) -> str:
    """Return a line for each object, its notes below it, and a last line that counts and can be parsed.

    It reads ``Imported 3 of 4.``
    """
    return (
        "\n".join([*(text for each in results for text in _render_imported(each)), summarize_import(results)])
        + "\n"
    )


def render_import_json(workspace: str, results: tuple[ImportResult, ...]) -> str:
    """Return the same as JSON, as ``schemas/import.schema.json`` says."""
    done = sum(bool(each.file) for each in results)
    return dump_pretty(
        {
            "format_version": IMPORT_FORMAT_VERSION,
            "workspace": workspace,
            "summary": {"imported": done, "left": len(results) - done, "line": summarize_import(results)},
            "objects": [
                {
                    "address": str(each.address),
                    "file": each.file or None,
                    "why": each.error or None,
                    "notes": list(each.notes),
                }
                for each in results
            ],
        }
    )


def summarize_import(results: tuple[ImportResult, ...]) -> str:
    """Return the last line."""
    return f"Imported {sum(bool(each.file) for each in results)} of {len(results)}."


def _render_imported(each: ImportResult) -> Iterator[str]:
    head = f"import {escape_line(str(each.address))}"
    yield f"{head}: {escape_line(each.file)}" if each.file else f"{head}: left out: {escape_line(each.error)}"
    yield from (f"    {escape_line(note)}" for note in each.notes)


PULL_FORMAT_VERSION: Final = "1.0"


def render_pull(
    workspace: str, results: tuple[PullResult, ...], form: str = "text", style: TerminalStyle = PLAIN_STYLE
) -> str:
    """Return a pull as ``text`` or ``json``; raises ValueError for another form."""
    forms = {
        "text": lambda: render_pull_text(results, style),
        "json": lambda: render_pull_json(workspace, results),
    }
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
        {
            "format_version": PULL_FORMAT_VERSION,
            "workspace": workspace,
            "summary": counts,
            "manifests": manifests,
        }
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
        yield wrap_text(
            f"  {mark}",
            f"{escape_line(format_path(field.path))}  {escape_line(before)} → {told}",
            style.width,
        )
    if each.resealed:
        yield wrap_text("  ~ ", "the seal: its secrets are bound to the new destination", style.width)
    for left in each.skipped:
        text = wrap_text(
            "  ! ", f"{escape_line(format_path(left.path))}  left: {escape_line(left.reason)}", style.width
        )
        yield colorize(text, Tone.WARNING, style)
        if left.needed_approval:
            agree = f"--allow-destination-change {escape_line(left.needed_approval)}"
            yield colorize(
                wrap_text("      next  ", f"if it is meant: {agree}", style.width), Tone.MUTED, style
            )


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
