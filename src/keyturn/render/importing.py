"""An import told: each object with its file, or why it was left out."""

from collections.abc import Iterator
from typing import Final

from keyturn.core.imported import Imported
from keyturn.render.forms import chosen
from keyturn.render.json_text import dumped
from keyturn.render.safe import line

FORMAT: Final = "1.0"


def draw_imported(workspace: str, results: tuple[Imported, ...], form: str = "text") -> str:
    """Return an import as ``text`` or ``json``; raises ValueError for another form."""
    forms = {"text": lambda: imported_text(results), "json": lambda: imported_json(workspace, results)}
    return chosen(forms, form)()


def imported_text(results: tuple[Imported, ...]) -> str:
    """Return a line for each object, its notes below it, and a last line that counts and can be parsed.

    It reads ``Imported 3 of 4.``
    """
    return "\n".join([*(text for each in results for text in _lines(each)), total(results)]) + "\n"


def imported_json(workspace: str, results: tuple[Imported, ...]) -> str:
    """Return the same as JSON, as ``schemas/import.schema.json`` says."""
    done = sum(bool(each.file) for each in results)
    return dumped(
        {
            "format_version": FORMAT,
            "workspace": workspace,
            "summary": {"imported": done, "left": len(results) - done, "line": total(results)},
            "objects": [
                {
                    "address": str(each.address),
                    "file": each.file or None,
                    "why": each.trouble or None,
                    "notes": list(each.notes),
                }
                for each in results
            ],
        }
    )


def total(results: tuple[Imported, ...]) -> str:
    """Return the last line."""
    return f"Imported {sum(bool(each.file) for each in results)} of {len(results)}."


def _lines(each: Imported) -> Iterator[str]:
    head = f"import {line(str(each.address))}"
    yield f"{head}: {line(each.file)}" if each.file else f"{head}: left out: {line(each.trouble)}"
    yield from (f"    {line(note)}" for note in each.notes)
