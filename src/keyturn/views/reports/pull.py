"""The report of a pull: each field that was written to a manifest, and each that was skipped."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from msgspec import Struct

from keyturn.model.change import MISSING, FieldChange
from keyturn.model.diagnostic import pluralize
from keyturn.model.fields import format_path
from keyturn.model.results import PullResult, SkippedField
from keyturn.views.escaping import escape_line
from keyturn.views.report_formats import RESULT_RENDERERS, render_in_format
from keyturn.views.terminal import PLAIN_STYLE, TerminalStyle, Tone, colorize, wrap_text
from keyturn.views.values import format_pair, leaf_to_display_json


class _PulledManifests(Struct, frozen=True):
    workspace: str
    results: tuple[PullResult, ...]

    format_version: ClassVar[str] = "1.0"

    def build_header(self) -> Mapping[str, object]:
        return {"workspace": self.workspace}

    def build_items(self) -> Mapping[str, object]:
        return {"manifests": list(map(_manifest_to_json, self.results))}

    def count_results(self) -> Mapping[str, int]:
        return {
            "written": sum(len(result.written) for result in self.results),
            "files": sum(bool(result.written) for result in self.results),
            "left": sum(len(result.skipped) for result in self.results),
        }

    def summarize(self) -> str:
        if not self.results:
            return "Pull: no drift."
        counts = self.count_results()
        fields = f"{pluralize(counts['written'], 'field')} of {pluralize(counts['files'], 'file')}"
        return f"Pull: {fields} written, {counts['left']} skipped."

    def render_lines(self, style: TerminalStyle) -> Iterator[str]:
        for result in self.results:
            yield from _render_manifest(result, style)


def render_pull(
    workspace: str,
    results: tuple[PullResult, ...],
    format_name: str = "text",
    style: TerminalStyle = PLAIN_STYLE,
) -> str:
    """Return a pull as ``text`` or ``json``; raises ValueError for another format.

    The text ends in ``Pull: 3 fields of 2 files written, 1 skipped.`` or ``Pull: no drift.`` The JSON
    follows ``schemas/pull.schema.json``.
    """
    return render_in_format(RESULT_RENDERERS, _PulledManifests(workspace, results), format_name, style)


def _render_manifest(result: PullResult, style: TerminalStyle) -> Iterator[str]:
    yield colorize(f"{escape_line(str(result.address))}  {escape_line(result.file)}", Tone.CHANGE, style)
    for field in result.written:
        before, after = format_pair(field.path, field.desired, field.live)
        mark, value = ("- ", "(removed)") if field.live == MISSING else ("~ ", escape_line(after))
        text = f"{escape_line(format_path(field.path))}  {escape_line(before)} → {value}"
        yield wrap_text(f"  {mark}", text, style.width)
    if result.resealed:
        yield wrap_text("  ~ ", "seal: the secrets are bound to the new destination", style.width)
    for skipped in result.skipped:
        yield from _render_skipped(skipped, style)


def _render_skipped(skipped: SkippedField, style: TerminalStyle) -> Iterator[str]:
    text = f"{escape_line(format_path(skipped.path))}  skipped: {escape_line(skipped.reason)}"
    yield colorize(wrap_text("  ! ", text, style.width), Tone.WARNING, style)
    if skipped.needed_approval:
        step = f"to allow this, pass --allow-destination-change {escape_line(skipped.needed_approval)}"
        yield colorize(wrap_text("      next  ", step, style.width), Tone.MUTED, style)


def _manifest_to_json(result: PullResult) -> dict[str, object]:
    return {
        "address": str(result.address),
        "file": result.file,
        "sealed": result.resealed,
        "written": [_field_to_json(field) for field in result.written],
        "left": [
            {"path": format_path(left.path), "why": left.reason, "consent": left.needed_approval or None}
            for left in result.skipped
        ],
    }


def _field_to_json(field: FieldChange) -> dict[str, object]:
    return {
        "path": format_path(field.path),
        "action": "remove" if field.live == MISSING else "set",
        "before": leaf_to_display_json(field.path, field.desired),
        "after": leaf_to_display_json(field.path, field.live),
    }
