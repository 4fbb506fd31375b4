"""The report of the diff command."""

import re

from hypothesis import given

from keyturn.planning.workspace_diff import FieldDifference, ResourceDiff, WorkspaceDiff
from keyturn.views.reports.workspace_diff import render_workspace_diff
from published_schemas import parse_valid
from sample_plans import hostile_texts
from sample_resources import connection_address, credential_address

NAMES = ("staging", "prod")
PAIRS = (
    ResourceDiff(
        kind="connection",
        base_name="pg",
        left=connection_address("staging-pg"),
        right=connection_address("prod-pg"),
        differences=(FieldDifference(("config", "host"), "a", "b"),),
        secrets={},
    ),
    ResourceDiff(
        kind="credential",
        base_name="db",
        left=credential_address("staging-db"),
        right=credential_address("prod-db"),
        secrets={("password",): "same", ("private_key",): "left", ("token",): "both"},
    ),
    ResourceDiff(
        kind="credential", base_name="new", left=None, right=credential_address("prod-new"), secrets={}
    ),
)


def test_text_has_differences_and_summary():
    """Differing fields, shared secrets, and resources of one workspace."""
    lines = render_workspace_diff(WorkspaceDiff(NAMES, PAIRS, False)).splitlines()
    assert lines[0] == "~ connection/staging-pg → connection/prod-pg"
    assert lines[1] == "    config.host  a → b"
    assert lines[3].startswith("  ! secrets.password  same secret in both")
    assert "    secrets.private_key  only in staging" in lines
    assert "+ credential/prod-new  only in prod" in lines
    assert lines[-1] == (
        "Diff staging → prod: 0 alike, 2 differ, 0 only in staging, 1 only in prod, 1 share a secret."
    )


def test_json_fits_its_schema():
    """It says whether secrets were compared."""
    tree = parse_valid("diff", render_workspace_diff(WorkspaceDiff(NAMES, PAIRS, False), "json"))
    assert tree["secrets_compared"] is False
    assert tree["resources"][0]["fields"] == [{"path": "config.host", "from": "a", "to": "b"}]
    assert tree["resources"][2]["only_in"] == "to"


def test_a_possible_secret_is_hidden():
    """In text and JSON."""
    odd = ResourceDiff(
        kind="connection",
        base_name="x",
        left=connection_address("a"),
        right=connection_address("b"),
        differences=(FieldDifference(("config", "api_key"), "one-value", "other-value"),),
        secrets={},
    )
    for text in (
        render_workspace_diff(WorkspaceDiff(NAMES, (odd,), False)),
        render_workspace_diff(WorkspaceDiff(NAMES, (odd,), True), "json"),
    ):
        assert "value" not in text.replace("a different value", "")


@given(hostile_texts())
def test_any_text_is_harmless(name):
    """No control characters, no CI runner command."""
    odd = ResourceDiff(
        kind="connection",
        base_name=name,
        left=connection_address(name),
        right=connection_address(name),
        differences=(FieldDifference(("config", name), name, name + "x"),),
        secrets={(name,): "same"},
    )
    text = render_workspace_diff(WorkspaceDiff((name, name), (odd,), False))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]", text)
    parse_valid("diff", render_workspace_diff(WorkspaceDiff((name, name), (odd,), True), "json"))
