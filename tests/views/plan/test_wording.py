"""The wording of impact, breakage, rotation and secret statuses."""

import pytest
from msgspec.structs import replace

from keyturn.model.change import Action
from keyturn.model.plan import Impact, PlanBase
from keyturn.model.resource import Lifecycle
from keyturn.views.plan.model import NoteRow, SecretRow
from keyturn.views.plan.wording import (
    describe_base,
    describe_breakage,
    describe_impact,
    describe_rotation,
    format_secret_status,
    join_names,
)
from sample_plans import CREATE, IMPACT, PG, RETIRE, ROTATE, make_change

BOTH = "2 connections (connection/prod-pg, connection/made-in-the-ui)"
NOTHING = Impact(connections=0, pipelines=0, syncs=0, scheduled=0)


@pytest.mark.parametrize(
    ("impact", "said"),
    [
        (None, "unknown"),
        (
            IMPACT,
            "used by 2 connections, 23 pipelines; 4 schedules, next run 2026-03-01T06:00:00Z",
        ),
        (NOTHING, "no connections, pipelines or syncs use it, no scheduled runs"),
        (
            Impact(),
            "no known users; connections, pipelines and syncs unknown; schedules unknown",
        ),
        (
            Impact(
                managed_connections=("connection/a",),
                unmanaged_connections=("connection/b",),
                downstream=("pipeline/c",),
            ),
            "used by at least 2 connections, at least 1 pipeline; syncs unknown; schedules unknown",
        ),
        (
            replace(
                NOTHING,
                connections=None,
                managed_connections=("connection/a",),
                scheduled=None,
                next_run="2026",
            ),
            "used by at least 1 connection; schedules unknown, one runs at 2026",
        ),
        (
            replace(IMPACT, syncs=None),
            "used by 2 connections, 23 pipelines; syncs unknown; 4 schedules, next run 2026-03-01T06:00:00Z",
        ),
        (replace(IMPACT, next_run=""), "used by 2 connections, 23 pipelines; 4 schedules, next run unknown"),
        (
            replace(NOTHING, pipelines=None),
            "no known users; pipelines unknown; no scheduled runs",
        ),
    ],
)
def test_impact_states_what_is_unknown(impact, said):
    """Unknown is never 0."""
    assert describe_impact(ROTATE, impact) == said


def test_impact_of_a_connection_has_no_connections():
    """Pipelines and syncs use it."""
    assert describe_impact(make_change(Action.UPDATE, PG), IMPACT).startswith("used by 23 pipelines;")


@pytest.mark.parametrize(
    ("base", "said"),
    [
        (PlanBase(commit="a" * 40, revision="v1", reason="named"), "Base: aaaaaaa, named by --base v1."),
        (
            PlanBase(commit="a" * 40, revision="origin/main", reason="merge_base"),
            "Base: aaaaaaa, the merge base with origin/main.",
        ),
        (
            PlanBase(
                commit="a" * 40, revision="dev", reason="merge_base", variable="X", notes=("one", "two")
            ),
            "Base: aaaaaaa, the merge base with dev, named by X; one; two.",
        ),
    ],
)
def test_a_base_has_a_reason(base, said):
    """Named, or the merge base with a branch that the CI system names."""
    assert describe_base(base) == said


def test_impact_of_an_offline_plan_has_a_reason():
    """The workspace was not read."""
    assert describe_impact(ROTATE, None, offline=True) == "unknown (offline)"


def test_long_lists_are_counted():
    """The list ends in the number of the other names."""
    assert join_names(tuple("abcdefghijklm")) == "a, b, c, d, e, f, g, h, i, j and 3 more"


def test_breakage_names_users():
    """Remaining connections, other users, dependencies, and how to undo."""
    both = replace(IMPACT, managed_connections=("connection/prod-ml", "connection/prod-pg"))
    notes = {(note.topic, note.text) for note in describe_breakage(RETIRE, both)}
    assert notes == {
        ("breaks", "connections in git: connection/prod-ml"),
        ("breaks", "connections not in git: connection/made-in-the-ui"),
        ("breaks", "pipelines and syncs: pipeline/nightly-load, pipeline/hourly-sync"),
        ("depends on", "detach connection/prod-pg first"),
        ("undo", "reversible: re-adding the manifest restores the object"),
    }


@pytest.mark.parametrize("side", ["known", "desired"])
def test_breakage_names_protection(side):
    """By the state or the manifest."""
    base = make_change(Action.REPLACE)
    held = {
        "known": replace(base, entry=replace(base.entry, protect=True)),
        "desired": replace(base, desired=replace(base.desired, lifecycle=Lifecycle(protect=True))),
    }
    assert "protected" in [note.topic for note in describe_breakage(held[side], None)]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("verify", f"verify: the new secret is tested with {BOTH} before the switch"),
        ("replace", f"replace: {BOTH} move one by one; the old object is retired after 7 days"),
        ("in_place", f"in_place: written at once, then tested with {BOTH}"),
        ("another", "another"),
    ],
)
def test_strategy_names_the_tests(word, said):
    """With the age of the old secret."""
    rotation = replace(ROTATE, desired=replace(ROTATE.desired, lifecycle=Lifecycle(strategy=word)))
    notes = {note.topic: note.text for note in describe_rotation(rotation, IMPACT)}
    assert notes == {"age": "the old secret was set on 2025-11-02", "strategy": said}


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("verify", "verify: cannot be tested first: no connection uses it"),
        ("replace", "replace: no connection uses it; the old object is retired after 7 days"),
        ("in_place", "in_place: written at once; cannot be tested: no connection uses it"),
    ],
)
def test_strategy_without_connections_says_that_nothing_is_tested(word, text):
    """A verified rotation needs a connection for its test."""
    rotation = replace(ROTATE, desired=replace(ROTATE.desired, lifecycle=Lifecycle(strategy=word)))
    assert NoteRow("strategy", text) in list(describe_rotation(rotation, NOTHING))


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (SecretRow("password", "set", "new"), "will be set (new)"),
        (
            SecretRow("password", "kept", "the manifest keeps the live value"),
            "kept (the manifest keeps the live value)",
        ),
        (SecretRow("password", "rotated", ""), "rotated"),
    ],
)
def test_secret_status_has_its_reason_in_parentheses(row, text):
    """A status without a reason stands alone."""
    assert format_secret_status(row) == text


def test_strategy_states_what_is_unknown():
    """Without a date or a count."""
    rotation = replace(ROTATE, entry=replace(ROTATE.entry, rotated_at=""))
    notes = {note.topic: note.text for note in describe_rotation(rotation, None)}
    assert notes["age"] == "unknown"
    assert notes["strategy"].endswith("tested with every connection that uses it before the switch")


def test_a_secret_of_a_connection_has_no_strategy():
    """Only credentials have one."""
    assert [note.topic for note in describe_rotation(make_change(Action.ROTATE, PG), None)] == ["age"]


def test_a_new_credential_has_no_age():
    """It has no old secret."""
    assert [note.topic for note in describe_rotation(CREATE, None)] == ["strategy"]
