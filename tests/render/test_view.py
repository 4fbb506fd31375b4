"""What is shown of a plan."""

import os
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from keyturn.core.change import Action, SecretState
from keyturn.core.diagnostic import Severity
from keyturn.core.plan import Impact
from keyturn.render.markdown import COMMENT
from keyturn.render.parts import Link, Part
from keyturn.render.plan_forms import draw_plan
from keyturn.render.view import TITLES, attention, summary, view
from plans import (
    CASES,
    CREATE,
    DB,
    FINDINGS,
    PG,
    REACH,
    RETIRE,
    UNAPPROVED,
    change,
    crowd,
    finding,
    many,
    moved,
    plan,
    secret,
)

GRAMMAR = re.compile(
    r"^(Plan: \d+ to \w+(, \d+ to \w+){5,8}|No changes\. [^.]+)\.( (\d+) needs? attention\.)?$"
)

PLAN = "Plan: {} to create, {} to update, {} to rotate, {} to rename, {} to restore, {} to retire"


@pytest.mark.parametrize("case", CASES)
def test_the_summary_can_be_parsed(case):
    """Every plan's last line follows the grammar of the module."""
    assert GRAMMAR.match(summary(CASES[case]))


@pytest.mark.parametrize(
    ("case", "line"),
    [
        ("empty", "No changes. The workspace matches the manifests."),
        ("empty-offline", "No changes. The workspace was not read."),
        ("doubt", "No changes. What can be compared matches the manifests. 1 needs attention."),
        ("create", f"{PLAN.format(2, 0, 0, 0, 0, 0)}. 0 need attention."),
        ("replace", f"{PLAN.format(0, 1, 0, 0, 0, 0)}, 1 to replace. 0 need attention."),
        ("everything", f"{PLAN.format(2, 3, 1, 1, 1, 1)}, 1 to replace. 5 need attention."),
    ],
)
def test_the_summary_counts(case, line):
    """Six counts always, others where they are not nought."""
    assert summary(CASES[case]) == line


def test_attention_counts_a_resource_once():
    """An exposure and the finding that refuses it are one thing to look at."""
    case = CASES["exposure"]
    assert attention(case) == 2
    assert attention(replace(case, findings=(*case.findings, UNAPPROVED))) == 2


def test_attention_leaves_notes_out():
    """A note asks nobody for anything."""
    assert attention(plan(findings=FINDINGS)) == 2
    assert attention(plan(findings=(finding("KT313", Severity.NOTE, "n"),))) == 0


def test_sections_stand_in_the_order_of_risk():
    """Whatever the order of the changes."""
    parts = [section.part for section in view(CASES["everything"]).sections]
    assert parts == sorted(parts, key=list(Part).index)
    assert parts[:2] == [Part.EXPOSURE, Part.ACCESS]


def test_what_exposes_opens_or_destroys_is_repeated():
    """Exposures, access, retirements and replacements, in this order."""
    shown = view(CASES["everything"])
    assert [entry.symbol for entry in shown.repeated] == ["!", "!", "!", "-", "±"]


def test_the_same_plan_gives_the_same_view():
    """Nothing but the plan decides."""
    assert view(CASES["everything"]) == view(CASES["everything"])


def test_links_lead_from_what_is_used_to_what_uses_it():
    """References in git, users outside it, and the work that hangs on them."""
    shown = view(plan(CREATE, replace(RETIRE, address=DB), impact={DB: REACH}))
    assert Link("credential/prod-db", "connection/prod-pg") in shown.links
    assert Link("credential/prod-db", "connection/made-in-the-ui") in shown.links
    assert Link("credential/prod-db", "pipeline/nightly-load") in shown.links


def test_work_hangs_on_its_connection_where_that_is_known():
    """A pipeline is drawn once, from the nearest."""
    impact = {DB: REACH, PG: Impact(work=("pipeline/nightly-load",))}
    links = view(plan(CREATE, impact=impact)).links
    assert Link("connection/prod-pg", "pipeline/nightly-load") in links
    assert Link("credential/prod-db", "pipeline/nightly-load") not in links


def test_what_changes_is_marked():
    """By the word of its action, or as exposed."""
    marked = view(CASES["exposure"]).marked
    assert set(marked.values()) == {"exposed"}
    assert view(CASES["create"]).marked["credential/prod-db"] == "create"


def test_refusals_are_errors():
    """Only what an apply would refuse is counted."""
    assert view(CASES["findings"]).refusals == 1


def test_no_class_is_lost_in_a_crowd():
    """However many resources: every class is there."""
    few, many = view(CASES["everything"]), view(crowd(2_000))
    assert {section.part for section in many.sections} == {section.part for section in few.sections}


def test_a_retired_connection_still_hangs_on_its_credential():
    """What the ledger knows is drawn where no manifest is left."""
    known = replace(RETIRE.known, address=PG, applied={("credential",): DB})
    links = view(plan(replace(RETIRE, address=PG, known=known))).links
    assert links == (Link("credential/prod-db", "connection/prod-pg"),)


MANY, OVER = 12, 700
"""More than a list of names shows, and more than a comment holds."""


def drawings(made):
    """Return a plan in every form, by the name of the form."""
    return {form: draw_plan(made, form) for form in ("text", "markdown", "json", "html", "summary", "gitlab")}


@pytest.mark.parametrize("part", Part, ids=lambda part: part.value)
def test_every_class_in_every_size(part, golden):
    """One, many, more than a comment holds: the first two in full, and all of them by their digests."""
    lines = []
    for count in (1, MANY, OVER):
        drawn = drawings(many(part, count))
        assert len(drawn["markdown"].encode()) <= COMMENT
        assert f"{TITLES[part]} ({count:,})" in drawn["markdown"]
        lines += [
            f"{part.value} {count} {form} {len(text.encode())} {sha256(text.encode()).hexdigest()[:32]}"
            for form, text in drawn.items()
        ]
        if count == MANY:
            golden(f"many.{part.value}.80.txt", drawn["text"])
            golden(f"many.{part.value}.md", drawn["markdown"])
    golden(f"many.{part.value}.digests.txt", "\n".join(lines) + "\n")
    assert ("**Left out to keep this short:**" in drawn["markdown"]) is (part not in SMALL)


SMALL = frozenset()
"""Classes of which even so many fit into a comment."""

SCRIPT = """
import sys
from hashlib import sha256
sys.path.insert(0, sys.argv[1])
from keyturn.render import draw_plan
from plans import CASES
for name, made in CASES.items():
    for form in ("text", "markdown", "json", "html", "summary", "gitlab"):
        print(name, form, sha256(draw_plan(made, form).encode()).hexdigest())
"""


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_the_same_input_gives_the_same_bytes(seed):
    """In another process, with another seed for the hashes: every case in every form."""
    folder = str(Path(__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, folder],
        env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": seed, "COLUMNS": "80"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    here = [
        f"{name} {form} {sha256(text.encode()).hexdigest()}"
        for name, made in CASES.items()
        for form, text in drawings(made).items()
    ]
    assert done.stdout.splitlines() == here


def test_the_order_of_a_mapping_is_nothing_to_see():
    """Impact and ciphertexts in whatever order they were found: the same bytes."""
    case = CASES["everything"]
    turned = replace(
        case,
        impact=dict(reversed(case.impact.items())),
        changes=tuple(
            replace(
                each,
                desired=each.desired
                and replace(each.desired, ciphers=dict(reversed(each.desired.ciphers.items()))),
            )
            for each in case.changes
        ),
    )
    assert list(turned.impact) != list(case.impact)
    assert drawings(turned) == drawings(case)


THREE = change(Action.UPDATE, fields=(moved("config.port", 5001, 5002, 5003),))


@pytest.mark.parametrize("form", ["text", "markdown", "html", "json"])
def test_drift_is_three_values_in_every_drawing(form):
    """What we applied, what is live, what git wants; a change without drift has two."""
    drawn = draw_plan(plan(THREE), form)
    assert all(value in drawn for value in ("5001", "5002", "5003"))
    if form != "json":
        calm = draw_plan(plan(replace(THREE, fields=(moved("config.port", 5002, 5002, 5003),))), form)
        assert "5001" not in calm
        assert "drift" not in calm
        assert "last applied" not in calm


@pytest.mark.parametrize("form", ["text", "markdown", "html", "json"])
@pytest.mark.parametrize("state", SecretState, ids=lambda state: state.value)
def test_every_state_has_its_word_and_its_reason_in_every_drawing(form, state):
    """Never one blank mask; no value, no length, no digest of one."""
    made = change(Action.ROTATE, secrets=(secret(state.value, "for this very reason"),))
    drawn = draw_plan(plan(made), form)
    assert "for this very reason" in drawn
    assert re.search(rf"\b{state.value}\b", drawn.split("</style>")[-1])
    assert "***" not in drawn
