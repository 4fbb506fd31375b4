"""An import told: each object with its file, or why it was left out."""

from collections.abc import Iterator
from typing import Final

from keyturn.core.imported import ImportResult
from keyturn.render.forms import select_format
from keyturn.render.json_text import dump_pretty
from keyturn.render.safe import escape_line

IMPORT_FORMAT_VERSION: Final = "1.0"


def render_import(workspace: str, results: tuple[ImportResult, ...], form: str = "text") -> str:
    """Return an import as ``text`` or ``json``; raises ValueError for another form."""
    forms = {"text": lambda: render_import_text(results), "json": lambda: render_import_json(workspace, results)}
    return select_format(forms, form)()


def render_import_text(results: tuple[ImportResult, ...]) -> str:
    """Return a line for each object, its notes below it, and a last line that counts and can be parsed.

    It reads ``Imported 3 of 4.``
    """
    return "\n".join([*(text for each in results for text in _render_imported(each)), summarize_import(results)]) + "\n"


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
