"""The differences between a reviewed and the current plan."""

import re

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from keyturn.model.change import Action, Exposure, SecretStatus
from keyturn.model.diagnostic import Severity
from keyturn.model.plan import Impact
from keyturn.views.plan.builder import build_view
from keyturn.views.plan.review_diff import MAX_DIFF_LINES, PlanRevision, render_changes_since_review
from keyturn.views.plan.text import render_plan_text
from keyturn.views.terminal import TerminalStyle, display_width
from keyturn.views.values import HIDDEN_VALUE
from sample_plans import (
    CASES,
    CREATE,
    DB,
    FINDINGS,
    IMPACT,
    NEW_HOST,
    PG,
    RENAME,
    RETIRE,
    ROTATE,
    SUSPECT,
    UPDATE,
    hostile_texts,
    make_change,
    make_field_change,
    make_finding,
    make_hostile_plan,
    make_plan,
    make_secret_change,
)
from sample_resources import connection_address

HOLDS = "The operations are those of the reviewed plan, and no object has changed since."
STILL = "No other changes since the review."
FORBIDDEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff]")


def told(then, now, *access, width=1_000):
    """Return the lines of the differences between two plans of two commits."""
    return render_changes_since_review(
        PlanRevision(then, "a" * 40), PlanRevision(now, "b" * 40), access, TerminalStyle(width=width)
    ).splitlines()


def sharply(change, **more):
    """Return a change with other sides."""
    desired = replace(change.desired, **more.pop("desired", {}))
    live = replace(change.live, **more.pop("live", {}))
    return replace(change, desired=desired, live=live, **more)


@pytest.mark.parametrize("case", CASES)
def test_equal_plans(case):
    """Three lines."""
    assert told(CASES[case], CASES[case]) == [
        "Saved plan: commit aaaaaaaaaaaa; current plan: commit bbbbbbbbbbbb.",
        HOLDS,
        STILL,
    ]


@pytest.mark.parametrize(
    ("commits", "said"),
    [
        (("", ""), "Saved plan and current plan: no commit."),
        (("a" * 40, "a" * 40), "Saved plan and current plan: commit aaaaaaaaaaaa."),
        (("a" * 40, ""), "Saved plan: commit aaaaaaaaaaaa; current plan: no commit."),
    ],
)
def test_commits_are_named(commits, said):
    """Both, or that there is none."""
    then, now = (PlanRevision(make_plan(), commit) for commit in commits)
    assert render_changes_since_review(then, now).splitlines()[0] == said


OPERATIONS = {
    "workspace": (
        make_plan(CREATE),
        make_plan(CREATE, workspace="stage"),
        "  workspace  was prod, is stage",
    ),
    "new": (make_plan(), make_plan(CREATE), "      create  added"),
    "gone": (make_plan(RETIRE), make_plan(), "      retire  removed"),
    "action": (
        make_plan(UPDATE),
        make_plan(replace(UPDATE, action=Action.ROTATE)),
        "      action  update then, rotate now",
    ),
    "name": (
        make_plan(RENAME),
        make_plan(replace(RENAME, renamed_from="")),
        "      renamed from  prod-database then, nothing now",
    ),
    "manifest": (
        make_plan(ROTATE),
        make_plan(sharply(ROTATE, desired={"digest": "e"})),
        "      manifest  different content",
    ),
    "ciphertext": (
        make_plan(ROTATE),
        make_plan(sharply(ROTATE, desired={"ciphertext_digests": {("password",): "e"}})),
        "      secrets.password  different ciphertext",
    ),
    "state": (
        make_plan(make_change(Action.ROTATE, secrets=(make_secret_change("unchanged", "x"),))),
        make_plan(make_change(Action.ROTATE, secrets=(make_secret_change("rotated", "x"),))),
        "      secrets.password  unchanged then, rotated now",
    ),
    "field": (
        make_plan(make_change(Action.UPDATE, fields=(make_field_change("config.host", "a", "a", "b"),))),
        make_plan(make_change(Action.UPDATE, fields=(make_field_change("config.host", "a", "a", "c"),))),
        "      config.host  a → b then, a → c now",
    ),
    "field of no more": (
        make_plan(make_change(Action.UPDATE, fields=(make_field_change("config.host", "a", "a", "b"),))),
        make_plan(make_change(Action.UPDATE)),
        "      config.host  a → b then, no change now",
    ),
    "hidden field": (
        make_plan(make_change(Action.UPDATE, fields=(make_field_change("config.api_token", "a", "a", "b"),))),
        make_plan(make_change(Action.UPDATE, fields=(make_field_change("config.api_token", "a", "a", "c"),))),
        (
            f"      config.api_token  {HIDDEN_VALUE} → {HIDDEN_VALUE}, a different value then, "
            "a different value now"
        ),
    ),
    "exposure": (
        make_plan(UPDATE),
        make_plan(replace(UPDATE, exposures=(Exposure(DB, DB, NEW_HOST, "a", "b"),))),
        "      exposes  nothing then, credential/prod-db by config.host now",
    ),
    "object": (
        make_plan(UPDATE),
        make_plan(sharply(UPDATE, live={"id": "other"})),
        "      live object  a different object",
    ),
    "time": (
        make_plan(UPDATE),
        make_plan(sharply(UPDATE, live={"updated_at": "2027"})),
        "      live object  changed meanwhile: 2026-01-01T00:00:00Z then, 2027 now",
    ),
}
"""Two plans with different digests, and the line that shows the difference."""


@pytest.mark.parametrize("what", OPERATIONS)
def test_differing_operations(what):
    """Old and new value in one line below the resource."""
    then, now, line = OPERATIONS[what]
    lines = told(then, now)
    assert lines[1] == "The plan differs from the reviewed plan:"
    assert line in lines
    assert HOLDS not in lines


BESIDE = {
    "a new finding": (
        make_plan(CREATE),
        make_plan(CREATE, diagnostics=FINDINGS[:1]),
        "KT454 error: credential/prod-old is",
    ),
    "a finding gone": (
        make_plan(CREATE, diagnostics=FINDINGS[:1]),
        make_plan(CREATE),
        "finding resolved  KT454 error",
    ),
    "impact": (
        make_plan(UPDATE, impact={DB: IMPACT}),
        make_plan(UPDATE, impact={DB: replace(IMPACT, connections=None)}),
        "impact  used by 2 connections",
    ),
    "a new user": (
        make_plan(UPDATE, impact={DB: Impact(connections=1, managed_connections=("connection/a",))}),
        make_plan(UPDATE, impact={DB: Impact(connections=1, managed_connections=("connection/b",))}),
        "new user      connection/b",
    ),
    "a user gone": (
        make_plan(UPDATE, impact={DB: Impact(connections=1, downstream=("pipeline/a",))}),
        make_plan(UPDATE, impact={DB: Impact(connections=1)}),
        "user removed  pipeline/a",
    ),
    "doubt": (make_plan(CREATE), make_plan(CREATE, replace(SUSPECT, address=PG)), "possible change  added"),
    "drift": (
        make_plan(make_change(Action.UPDATE, fields=(make_field_change("config.host", "a", "b", "c"),))),
        make_plan(make_change(Action.UPDATE, fields=(make_field_change("config.host", "z", "b", "c"),))),
        "config.host  last applied: a then, z now",
    ),
    "resources": (make_plan(CREATE), make_plan(CREATE, resources=13), "  in git  12 resources then, 13 now"),
    "pace": (
        make_plan(CREATE),
        make_plan(CREATE, requests_per_second=2.0),
        "  pace  no limit then, 2 requests a second now",
    ),
}
"""Two plans with the same digest, and the line that shows another difference."""


@pytest.mark.parametrize("what", BESIDE)
def test_other_differences(what):
    """The approval is still valid."""
    then, now, words = BESIDE[what]
    lines = told(then, now)
    assert lines[1:3] == [HOLDS, "Other changes since the review:"]
    assert any(words in line for line in lines[3:])


def test_diagnostics_of_two_resources_are_two_lines():
    """Even with the same message."""
    found = tuple(make_finding("KT310", Severity.WARNING, "m", address=each) for each in (DB, PG))
    lines = told(make_plan(CREATE), make_plan(CREATE, diagnostics=found))
    assert lines[3:] == [
        "  connection/prod-pg",
        "      new finding  KT310 warning: m",
        "  credential/prod-db",
        "      new finding  KT310 warning: m",
    ]


def test_access_changes():
    """The recipients since the reviewed commit, below the file."""
    line = make_finding("KT480", Severity.WARNING, "age1x can decrypt this from now on")
    lines = told(make_plan(CREATE), make_plan(CREATE), line)
    assert lines[3:] == [
        "  manifests/prod/credentials/prod-db.yaml",
        "      access  KT480 warning: age1x can decrypt this from now on",
    ]


def test_every_secret_status_is_named():
    """For a new secret field."""
    for state in SecretStatus:
        now = make_plan(make_change(Action.ROTATE, secrets=(make_secret_change(state.value, "x", "field"),)))
        assert f"absent then, {state.value} now" in "\n".join(
            told(make_plan(make_change(Action.ROTATE)), now)
        )


def test_a_large_difference_is_limited():
    """The last line counts the rest and names the commands that show all."""
    many = tuple(replace(CREATE, address=connection_address(f"prod-{number:03}")) for number in range(200))
    lines = told(make_plan(), make_plan(*many))
    assert sum(line.endswith("  added") for line in lines) == MAX_DIFF_LINES
    assert (
        f"  and {200 - MAX_DIFF_LINES} more: `keyturn show` shows all of the saved plan, `keyturn"
        in "\n".join(lines)
    )


def test_lines_keep_to_the_width():
    """Of the terminal."""
    lines = told(CASES["everything"], make_plan(), width=80)
    assert max(map(display_width, lines)) <= 80


@settings(max_examples=60)
@given(hostile_texts())
def test_any_text_is_harmless(said):
    """No control characters, no CI runner command."""
    then, now = make_hostile_plan(said), replace(make_hostile_plan(said + "x"), changes=())
    shown = render_changes_since_review(
        PlanRevision(then, said), PlanRevision(now, "x"), tuple(then.access_changes)
    )
    assert not FORBIDDEN.search(shown)
    assert not re.search(r"^\s*::|##\w*\[", shown, re.MULTILINE)
    assert render_plan_text(build_view(then))
