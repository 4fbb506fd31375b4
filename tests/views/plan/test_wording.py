"""The words for reach, breakage and strategy."""

import pytest
from msgspec.structs import replace

from keyturn.model.change import Action
from keyturn.model.plan import Impact
from keyturn.model.resource import Lifecycle
from keyturn.views.plan.wording import (
    describe_breakage,
    describe_reach,
    describe_rotation,
    join_names,
    pluralize_or_none,
)
from plans import CREATE, PG, REACH, RETIRE, ROTATE, change

BOTH = "2 connections (connection/prod-pg, connection/made-in-the-ui)"
NOTHING = Impact(connections=0, pipelines=0, syncs=0, scheduled=0)


@pytest.mark.parametrize(
    ("impact", "said"),
    [
        (None, "how far it reaches is unknown"),
        (
            REACH,
            "used by 2 connections, 23 pipelines; 4 scheduled, next run 2026-03-01T06:00:00Z",
        ),
        (NOTHING, "used by nothing; nothing scheduled"),
        (
            Impact(),
            "used by none that is known; connections, pipelines and syncs unknown; schedules unknown",
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
            replace(REACH, syncs=None),
            "used by 2 connections, 23 pipelines; syncs unknown; 4 scheduled, next run 2026-03-01T06:00:00Z",
        ),
        (replace(REACH, next_run=""), "used by 2 connections, 23 pipelines; 4 scheduled, next run unknown"),
        (
            replace(NOTHING, pipelines=None),
            "used by none that is known; pipelines unknown; nothing scheduled",
        ),
    ],
)
def test_reach_says_what_is_not_known(impact, said):
    """Unknown is a word and never a nought; nought is a word too."""
    assert describe_reach(ROTATE, impact) == said


def test_the_reach_of_a_connection_leaves_connections_out():
    """A connection is used by pipelines and syncs."""
    assert describe_reach(change(Action.UPDATE, PG), REACH).startswith("used by 23 pipelines;")


@pytest.mark.parametrize(
    ("number", "said"),
    [(None, "connections: unknown"), (0, "no connections"), (1, "1 connection"), (1200, "1,200 connections")],
)
def test_counted_minds_the_plural(number, said):
    """One, none, many and unknown each have their form."""
    assert pluralize_or_none(number, "connection") == said


def test_listed_counts_what_it_does_not_name():
    """A long list ends in a number."""
    assert join_names(tuple("abcdefghijklm")) == "a, b, c, d, e, f, g, h, i, j and 3 more"


def test_breakage_names_who_is_hit():
    """What stays on it in git, what is not in git, what runs, who lets go first, and the way back."""
    both = replace(REACH, managed_connections=("connection/prod-ml", "connection/prod-pg"))
    notes = {(note.topic, note.text) for note in describe_breakage(RETIRE, both)}
    assert notes == {
        ("breaks", "in git: connection/prod-ml"),
        ("breaks", "made outside git: connection/made-in-the-ui"),
        ("breaks", "work that runs on it: pipeline/nightly-load, pipeline/hourly-sync"),
        ("after", "done once these let go of it: connection/prod-pg"),
        ("undo", "a soft delete: it is restored when its manifest comes back"),
    }


@pytest.mark.parametrize("side", ["known", "desired"])
def test_breakage_says_that_it_is_protected(side):
    """Protection counts if the state or the manifest says so."""
    base = change(Action.REPLACE)
    held = {
        "known": replace(base, entry=replace(base.entry, protect=True)),
        "desired": replace(base, desired=replace(base.desired, lifecycle=Lifecycle(protect=True))),
    }
    assert "protected" in [note.topic for note in describe_breakage(held[side], None)]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("verify", f"verify: before the cut-over the new secret is tested with {BOTH}"),
        ("replace", f"replace: {BOTH} move one by one; the old one is retired after 7 days"),
        ("in_place", f"in_place: written at once, then tested with {BOTH}"),
        ("another", "another"),
    ],
)
def test_strategy_says_what_is_tested_before(word, said):
    """A rotation says how it goes about it, and how old the old secret is."""
    rotation = replace(ROTATE, desired=replace(ROTATE.desired, lifecycle=Lifecycle(strategy=word)))
    notes = {note.topic: note.text for note in describe_rotation(rotation, REACH)}
    assert notes == {"age": "the old one was set on 2025-11-02", "strategy": said}


def test_strategy_does_not_make_up_what_is_unknown():
    """Without a date or a count, that is what is said."""
    rotation = replace(ROTATE, entry=replace(ROTATE.entry, rotated_at=""))
    notes = {note.topic: note.text for note in describe_rotation(rotation, None)}
    assert notes["age"] == "when the old one was set is unknown"
    assert notes["strategy"].endswith("tested with every connection that uses it")


def test_a_secret_of_a_connection_has_no_strategy():
    """Strategies are those of credentials."""
    assert [note.topic for note in describe_rotation(change(Action.ROTATE, PG), None)] == ["age"]


def test_a_new_credential_has_no_age():
    """There is no old secret where there is no old object."""
    assert [note.topic for note in describe_rotation(CREATE, None)] == ["strategy"]
