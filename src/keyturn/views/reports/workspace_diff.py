"""Two environments told side by side."""

from collections.abc import Iterator
from typing import Any, Final

from keyturn.model.address import Address
from keyturn.model.change import MISSING
from keyturn.model.fields import FieldPath, Leaf, format_path
from keyturn.planning.workspace_diff import ResourceDiff, WorkspaceDiff
from keyturn.views.escaping import escape_line
from keyturn.views.forms import select_format
from keyturn.views.json_output import dump_pretty
from keyturn.views.terminal import PLAIN_STYLE, TerminalStyle, Tone, colorize, make_bold, wrap_text
from keyturn.views.values import format_pair, is_hidden

WORKSPACE_DIFF_FORMAT_VERSION: Final = "1.0"


def render_workspace_diff(diff: WorkspaceDiff, form: str = "text", style: TerminalStyle = PLAIN_STYLE) -> str:
    """Return what sets two workspaces apart as ``text`` or ``json``; raises ValueError for another form."""
    forms = {
        "text": lambda: render_workspace_diff_text(diff.names, diff.resources, style),
        "json": lambda: render_workspace_diff_json(diff.names, diff.resources, opened=diff.secrets_compared),
    }
    return select_format(forms, form)()


def render_workspace_diff_text(
    names: tuple[str, str], pairs: tuple[ResourceDiff, ...], style: TerminalStyle = PLAIN_STYLE
) -> str:
    """Return what differs between two workspaces, and a last line that counts and can be parsed.

    It reads ``Diff staging → prod: 3 alike, 2 differ, 1 only in staging, 0 only in prod, 0 share a secret.``
    """
    lines = [text for each in pairs for text in _render_resource(names, each, style)]
    return (
        "\n".join(
            [*lines, *([""] if lines else []), make_bold(summarize_workspace_diff(names, pairs), style)]
        )
        + "\n"
    )


def render_workspace_diff_json(
    names: tuple[str, str], pairs: tuple[ResourceDiff, ...], *, opened: bool
) -> str:
    """Return the same as JSON, as ``schemas/diff.schema.json`` says."""
    counts: dict[str, Any] = {**_count_differences(pairs), "line": summarize_workspace_diff(names, pairs)}
    return dump_pretty(
        {
            "format_version": WORKSPACE_DIFF_FORMAT_VERSION,
            "from": names[0],
            "to": names[1],
            "secrets_compared": opened,
            "summary": counts,
            "resources": [_resource_to_json(each) for each in pairs],
        }
    )


def summarize_workspace_diff(names: tuple[str, str], pairs: tuple[ResourceDiff, ...]) -> str:
    """Return the last line."""
    left, right = map(escape_line, names)
    counts = _count_differences(pairs)
    return (
        f"Diff {left} → {right}: {counts['alike']} alike, {counts['differ']} differ, "
        f"{counts['only_from']} only in {left}, {counts['only_to']} only in {right}, "
        f"{counts['share_a_secret']} share a secret."
    )


def _count_differences(pairs: tuple[ResourceDiff, ...]) -> dict[str, int]:
    both = [each for each in pairs if each.left and each.right]
    return {
        "alike": sum(not each.has_differences for each in both),
        "differ": sum(each.has_differences for each in both),
        "only_from": sum(each.right is None for each in pairs),
        "only_to": sum(each.left is None for each in pairs),
        "share_a_secret": sum(bool(each.shared_secrets) for each in pairs),
    }


def _render_resource(names: tuple[str, str], each: ResourceDiff, style: TerminalStyle) -> Iterator[str]:
    if each.left is None or each.right is None:
        where, there = (names[1], each.right) if each.left is None else (names[0], each.left)
        mark, tone = ("+ ", Tone.SUCCESS) if each.left is None else ("- ", Tone.DANGER)
        yield colorize(
            wrap_text(mark, f"{escape_line(str(there))}  only in {escape_line(where)}", style.width),
            tone,
            style,
        )
        return
    if not each.has_differences and not each.shared_secrets:
        return
    head = f"{escape_line(str(each.left))} → {escape_line(str(each.right))}"
    yield colorize(wrap_text("~ ", head, style.width), Tone.CHANGE, style)
    for one in each.differences:
        before, after = format_pair(one.path, one.left, one.right)
        yield wrap_text(
            "    ",
            f"{escape_line(format_path(one.path))}  {escape_line(before)} → {escape_line(after)}",
            style.width,
        )
    for path, side in each.secrets.items():
        yield from _render_secret(names, path, side, style)


def _render_secret(names: tuple[str, str], path: FieldPath, side: str, style: TerminalStyle) -> Iterator[str]:
    label = f"secrets.{escape_line(format_path(path))}"
    if side == "same":
        text = f"{label}  the same secret in both: whoever has one environment has the other"
        yield colorize(wrap_text("  ! ", text, style.width), Tone.DANGER, style)
    elif side != "both":
        where = names[0] if side == "left" else names[1]
        yield wrap_text("    ", f"{label}  only in {escape_line(where)}", style.width)


def _resource_to_json(each: ResourceDiff) -> dict[str, Any]:
    only = "to" if each.left is None else "from" if each.right is None else None
    return {
        "kind": each.kind,
        "name": each.base_name,
        "from": each.left.name if each.left else None,
        "to": each.right.name if each.right else None,
        "only_in": only,
        "differs": each.has_differences,
        "fields": [
            {
                "path": format_path(one.path),
                "from": _leaf_to_json(one.path, one.left),
                "to": _leaf_to_json(one.path, one.right),
            }
            for one in each.differences
        ],
        "secrets": [
            {"path": format_path(path), "in": _SIDE_NAMES[side]} for path, side in each.secrets.items()
        ],
    }


_SIDE_NAMES: Final = {"left": "from", "right": "to", "both": "both", "same": "same value in both"}


def _leaf_to_json(path: FieldPath, leaf: Leaf) -> Any:
    if leaf == MISSING:
        return None
    if is_hidden(path, leaf):
        return "(hidden: looks like a secret)"
    return str(leaf) if isinstance(leaf, Address) else leaf
