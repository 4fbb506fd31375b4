"""Two environments told."""

import re

import pytest
from hypothesis import given

from keyturn.planning.workspace_diff import FieldDifference, ResourceDiff, WorkspaceDiff
from keyturn.views.reports.workspace_diff import (
    render_workspace_diff,
    render_workspace_diff_json,
    render_workspace_diff_text,
    summarize_workspace_diff,
)
from keyturn.views.terminal import TerminalStyle
from making import connection, credential
from plans import hostile_text
from published import valid

NAMES = ("staging", "prod")
PAIRS = (
    ResourceDiff(
        kind="connection",
        base_name="pg",
        left=connection("staging-pg"),
        right=connection("prod-pg"),
        differences=(FieldDifference(("config", "host"), "a", "b"),),
        secrets={},
    ),
    ResourceDiff(
        kind="credential",
        base_name="db",
        left=credential("staging-db"),
        right=credential("prod-db"),
        secrets={("password",): "same", ("private_key",): "left", ("token",): "both"},
    ),
    ResourceDiff(kind="credential", base_name="new", left=None, right=credential("prod-new"), secrets={}),
)


def test_text():
    """What differs, what is shared, what is alone; the last line can be parsed."""
    lines = render_workspace_diff_text(NAMES, PAIRS).splitlines()
    assert lines[0] == "~ connection/staging-pg → connection/prod-pg"
    assert lines[1] == "    config.host  a → b"
    assert lines[3].startswith("  ! secrets.password  the same secret in both")
    assert "    secrets.private_key  only in staging" in lines
    assert "+ credential/prod-new  only in prod" in lines
    assert lines[-1] == summarize_workspace_diff(NAMES, PAIRS)
    assert summarize_workspace_diff(NAMES, PAIRS).endswith(
        "0 alike, 2 differ, 0 only in staging, 1 only in prod, 1 share a secret."
    )


def test_json_fits_its_schema():
    """And says whether secrets were compared at all."""
    tree = valid("diff", render_workspace_diff_json(NAMES, PAIRS, opened=False))
    assert tree["secrets_compared"] is False
    assert tree["resources"][0]["fields"] == [{"path": "config.host", "from": "a", "to": "b"}]
    assert tree["resources"][2]["only_in"] == "to"


def test_what_looks_like_a_secret_is_hidden():
    """In either form."""
    odd = ResourceDiff(
        kind="connection",
        base_name="x",
        left=connection("a"),
        right=connection("b"),
        differences=(FieldDifference(("config", "api_key"), "one-value", "another-value"),),
        secrets={},
    )
    for text in (
        render_workspace_diff_text(NAMES, (odd,)),
        render_workspace_diff_json(NAMES, (odd,), opened=True),
    ):
        assert "value" not in text.replace("another value", "")


@given(hostile_text())
def test_any_text_is_harmless(said):
    """For any name and value: no escape reaches the terminal."""
    odd = ResourceDiff(
        kind="connection",
        base_name=said,
        left=connection(said),
        right=connection(said),
        differences=(FieldDifference(("config", said), said, said + "x"),),
        secrets={(said,): "same"},
    )
    text = render_workspace_diff_text((said, said), (odd,))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]", text)
    valid("diff", render_workspace_diff_json((said, said), (odd,), opened=True))


@pytest.mark.parametrize("opened", [True, False])
def test_the_forms(opened):
    """By name; another one is refused."""
    found, style = WorkspaceDiff(NAMES, PAIRS, opened), TerminalStyle(color=True)
    assert render_workspace_diff(found, "text", style) == render_workspace_diff_text(NAMES, PAIRS, style)
    assert render_workspace_diff(found, "json") == render_workspace_diff_json(NAMES, PAIRS, opened=opened)
    with pytest.raises(ValueError, match="text, json"):
        render_workspace_diff(found, "html")
