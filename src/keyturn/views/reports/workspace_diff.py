"""The report of the diff command: the differences between two workspaces."""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Final

from msgspec import Struct

from keyturn.model.fields import FieldPath, format_path, mask_path
from keyturn.planning.workspace_diff import ResourceDiff, WorkspaceDiff
from keyturn.views.escaping import escape_line
from keyturn.views.report_formats import RESULT_RENDERERS, render_in_format
from keyturn.views.terminal import PLAIN_STYLE, TerminalStyle, Tone, colorize, wrap_text
from keyturn.views.values import format_pair, leaf_to_display_json

_SIDE_NAMES: Final = {"left": "from", "right": "to", "both": "both", "same": "same value in both"}


class _ComparedWorkspaces(Struct, frozen=True):
    diff: WorkspaceDiff

    format_version: ClassVar[str] = "1.0"

    def build_header(self) -> Mapping[str, object]:
        left, right = self.diff.names
        return {"from": left, "to": right, "secrets_compared": self.diff.secrets_compared}

    def build_items(self) -> Mapping[str, object]:
        return {"resources": list(map(_resource_to_json, self.diff.resources))}

    def count_results(self) -> Mapping[str, int]:
        resources = self.diff.resources
        both = [each for each in resources if each.left and each.right]
        return {
            "alike": sum(not each.has_differences for each in both),
            "differ": sum(each.has_differences for each in both),
            "only_from": sum(each.right is None for each in resources),
            "only_to": sum(each.left is None for each in resources),
            "share_a_secret": sum(bool(each.shared_secrets) for each in resources),
        }

    def summarize(self) -> str:
        left, right = map(escape_line, self.diff.names)
        counts = self.count_results()
        return (
            f"Diff {left} → {right}: {counts['alike']} alike, {counts['differ']} differ, "
            f"{counts['only_from']} only in {left}, {counts['only_to']} only in {right}, "
            f"{counts['share_a_secret']} share a secret."
        )

    def render_lines(self, style: TerminalStyle) -> Iterator[str]:
        for resource in self.diff.resources:
            yield from _render_resource(self.diff.names, resource, style)


def render_workspace_diff(
    diff: WorkspaceDiff, format_name: str = "text", style: TerminalStyle = PLAIN_STYLE
) -> str:
    """Return the differences between two workspaces as ``text`` or ``json``.

    The text ends in ``Diff staging → prod: 3 alike, 2 differ, 1 only in staging, 0 only in prod, 0 share
    a secret.`` The JSON follows ``schemas/diff.schema.json``. Raises ValueError for another format.
    """
    return render_in_format(RESULT_RENDERERS, _ComparedWorkspaces(diff), format_name, style)


def _render_resource(names: tuple[str, str], resource: ResourceDiff, style: TerminalStyle) -> Iterator[str]:
    if resource.left is None or resource.right is None:
        yield _render_unmatched(names, resource, style)
        return
    if not resource.has_differences and not resource.shared_secrets:
        return
    head = f"{escape_line(str(resource.left))} → {escape_line(str(resource.right))}"
    yield colorize(wrap_text("~ ", head, style.width), Tone.CHANGE, style)
    for field in resource.differences:
        before, after = format_pair(field.path, field.left, field.right)
        text = f"{escape_line(format_path(field.path))}  {escape_line(before)} → {escape_line(after)}"
        yield wrap_text("    ", text, style.width)
    for path, side in resource.secrets.items():
        yield from _render_secret(names, path, side, style)


def _render_unmatched(names: tuple[str, str], resource: ResourceDiff, style: TerminalStyle) -> str:
    if resource.left is None:
        mark, tone, name, address = "+ ", Tone.SUCCESS, names[1], resource.right
    else:
        mark, tone, name, address = "- ", Tone.DANGER, names[0], resource.left
    text = f"{escape_line(str(address))}  only in {escape_line(name)}"
    return colorize(wrap_text(mark, text, style.width), tone, style)


def _render_secret(names: tuple[str, str], path: FieldPath, side: str, style: TerminalStyle) -> Iterator[str]:
    label = f"secrets.{escape_line(mask_path(path))}"
    if side == "same":
        text = f"{label}  same secret in both: access to one environment gives access to the other"
        yield colorize(wrap_text("  ! ", text, style.width), Tone.DANGER, style)
    elif side != "both":
        name = names[0] if side == "left" else names[1]
        yield wrap_text("    ", f"{label}  only in {escape_line(name)}", style.width)


def _resource_to_json(resource: ResourceDiff) -> dict[str, object]:
    return {
        "kind": resource.kind,
        "name": resource.base_name,
        "from": resource.left.name if resource.left else None,
        "to": resource.right.name if resource.right else None,
        "only_in": "to" if resource.left is None else "from" if resource.right is None else None,
        "differs": resource.has_differences,
        "fields": [
            {
                "path": format_path(field.path),
                "from": leaf_to_display_json(field.path, field.left),
                "to": leaf_to_display_json(field.path, field.right),
            }
            for field in resource.differences
        ],
        "secrets": [
            {"path": mask_path(path), "in": _SIDE_NAMES[side]} for path, side in resource.secrets.items()
        ],
    }
