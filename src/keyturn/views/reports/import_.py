"""The report of an import: each object with its new file, or the reason why it has none."""

from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar, Final

from msgspec import Struct

from keyturn.model.results import ImportResult
from keyturn.views.escaping import escape_line
from keyturn.views.report_formats import RESULT_RENDERERS, render_in_format
from keyturn.views.terminal import PLAIN_STYLE, TerminalStyle


class _ImportedObjects(Struct, frozen=True):
    workspace: str
    results: tuple[ImportResult, ...]

    format_version: ClassVar[str] = "1.0"

    def build_header(self) -> Mapping[str, object]:
        return {"workspace": self.workspace}

    def build_items(self) -> Mapping[str, object]:
        return {"objects": list(map(_object_to_json, self.results))}

    def count_results(self) -> Mapping[str, int]:
        imported = sum(bool(result.file) for result in self.results)
        return {"imported": imported, "left": len(self.results) - imported}

    def summarize(self) -> str:
        return f"Imported {self.count_results()['imported']} of {len(self.results)}."

    def render_lines(self, _: TerminalStyle) -> Iterator[str]:
        for result in self.results:
            head = f"import {escape_line(str(result.address))}"
            end = escape_line(result.file) if result.file else f"skipped: {escape_line(result.error)}"
            yield f"{head}: {end}"
            yield from (f"    {escape_line(note)}" for note in result.notes)


def render_import(workspace: str, results: tuple[ImportResult, ...], format_name: str = "text") -> str:
    """Return an import as ``text`` or ``json``; raises ValueError for another format.

    The text ends in ``Imported 3 of 4.`` The JSON follows ``schemas/import.schema.json``.
    """
    return render_in_format(_IMPORT_RENDERERS, _ImportedObjects(workspace, results), format_name, PLAIN_STYLE)


def _render_text(report: _ImportedObjects, style: TerminalStyle) -> str:
    return "\n".join([*report.render_lines(style), report.summarize()]) + "\n"


_IMPORT_RENDERERS: Final[Mapping[str, Callable[[_ImportedObjects, TerminalStyle], str]]] = {
    **RESULT_RENDERERS,
    "text": _render_text,
}


def _object_to_json(result: ImportResult) -> dict[str, object]:
    return {
        "address": str(result.address),
        "file": result.file or None,
        "why": result.error or None,
        "notes": list(result.notes),
    }
