"""What is shown of a plan."""

import os
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from keyturn.model.change import Action, SecretStatus
from keyturn.model.diagnostic import Severity
from keyturn.model.plan import Impact
from keyturn.views.diagram import DependencyLink
from keyturn.views.plan import render_plan
from keyturn.views.plan.builder import SECTION_TITLES, build_view, count_attention, format_plan_summary
from keyturn.views.plan.markdown import PLAN_COMMENT_BUDGET
from keyturn.views.plan.model import SectionKind
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

GRAMMAR = re.compile(r"^(Plan: \d+ to \w+(, \d+ to \w+)*|No changes\. [^.]+)\.( (\d+) needs? attention\.)?$")


@pytest.mark.parametrize("case", CASES)
def test_the_summary_can_be_parsed(case):
    """Every plan's last line follows the grammar of the module."""
    assert GRAMMAR.match(format_plan_summary(CASES[case]))


@pytest.mark.parametrize(
    ("case", "line"),
    [
        ("empty", "No changes. The workspace matches the manifests."),
        ("empty-offline", "No changes. The workspace was not read."),
        (
            "doubt",
            "No changes. Everything that can be compared matches the manifests. 1 needs attention.",
        ),
        ("create", "Plan: 2 to create."),
        ("replace", "Plan: 1 to update, 1 to replace."),
        (
            "everything",
            (
                "Plan: 2 to create, 3 to update, 1 to rotate, 1 to rename, 1 to restore, 1 to retire, "
                "1 to replace. 5 need attention."
            ),
        ),
    ],
)
def test_the_summary_counts(case, line):
    """Only the counts that are not 0."""
    assert format_plan_summary(CASES[case]) == line


def test_attention_counts_a_resource_once():
    """An exposure and the finding that refuses it are one thing to look at."""
    case = CASES["exposure"]
    assert count_attention(case) == 2
    assert count_attention(replace(case, diagnostics=(*case.diagnostics, UNAPPROVED))) == 2


def test_attention_leaves_notes_out():
    """A note asks nobody for anything."""
    assert count_attention(plan(diagnostics=FINDINGS)) == 2
    assert count_attention(plan(diagnostics=(finding("KT313", Severity.NOTE, "n"),))) == 0


def test_sections_stand_in_the_order_of_risk():
    """Whatever the order of the changes."""
    parts = [section.kind for section in build_view(CASES["everything"]).sections]
    assert parts == sorted(parts, key=list(SectionKind).index)
    assert parts[:2] == [SectionKind.EXPOSURE, SectionKind.ACCESS]


def test_what_exposes_opens_or_destroys_is_repeated():
    """Exposures, access, retirements and replacements, in this order."""
    shown = build_view(CASES["everything"])
    assert [entry.symbol for entry in shown.repeated] == ["!", "!", "!", "-", "±"]


def test_the_same_plan_gives_the_same_view():
    """Nothing but the plan decides."""
    assert build_view(CASES["everything"]) == build_view(CASES["everything"])


def test_links_lead_from_what_is_used_to_what_uses_it():
    """References in git, users outside it, and the work that hangs on them."""
    shown = build_view(plan(CREATE, replace(RETIRE, address=DB), impact={DB: REACH}))
    assert DependencyLink("credential/prod-db", "connection/prod-pg") in shown.links
    assert DependencyLink("credential/prod-db", "connection/made-in-the-ui") in shown.links
    assert DependencyLink("credential/prod-db", "pipeline/nightly-load") in shown.links


def test_work_hangs_on_its_connection_where_that_is_known():
    """A pipeline is drawn once, from the nearest."""
    impact = {DB: REACH, PG: Impact(downstream=("pipeline/nightly-load",))}
    links = build_view(plan(CREATE, impact=impact)).links
    assert DependencyLink("connection/prod-pg", "pipeline/nightly-load") in links
    assert DependencyLink("credential/prod-db", "pipeline/nightly-load") not in links


def test_what_changes_is_marked():
    """By the word of its action, or as exposed."""
    marked = build_view(CASES["exposure"]).node_marks
    assert set(marked.values()) == {"exposed"}
    assert build_view(CASES["create"]).node_marks["credential/prod-db"] == "create"


def test_errors_block_the_plan():
    """The summary names their codes, with the number of each, and the exit code of an apply."""
    error, moved_secret = FINDINGS[0], replace(UNAPPROVED, code="KT451")
    made = plan(diagnostics=(error, *FINDINGS[1:], moved_secret, replace(moved_secret, address=PG)))
    summary = "Plan blocked by 3 errors (KT451 \u00d72, KT454); apply would exit 5."
    assert build_view(made).blocked_summary == summary
    assert all(summary in render_plan(made, form) for form in ("text", "markdown", "html"))
    assert build_view(plan(diagnostics=FINDINGS[1:])).blocked_summary == ""


def test_no_class_is_lost_in_a_crowd():
    """However many resources: every class is there."""
    few, many = build_view(CASES["everything"]), build_view(crowd(2_000))
    assert {section.kind for section in many.sections} == {section.kind for section in few.sections}


def test_a_retired_connection_still_hangs_on_its_credential():
    """What the state knows is drawn where no manifest is left."""
    known = replace(RETIRE.entry, address=PG, applied={("credential",): DB})
    links = build_view(plan(replace(RETIRE, address=PG, entry=known))).links
    assert links == (DependencyLink("credential/prod-db", "connection/prod-pg"),)


MANY, OVER = 12, 700
"""More than a list of names shows, and more than a comment holds."""


def drawings(made):
    """Return a plan in every form, by the name of the form."""
    return {
        form: render_plan(made, form) for form in ("text", "markdown", "json", "html", "summary", "gitlab")
    }


@pytest.mark.parametrize("part", SectionKind, ids=lambda part: part.value)
def test_every_class_in_every_size(part, golden):
    """One, many, more than a comment holds: the first two in full, and all of them by their digests."""
    lines = []
    for count in (1, MANY, OVER):
        drawn = drawings(many(part, count))
        assert len(drawn["markdown"].encode()) <= PLAN_COMMENT_BUDGET
        assert f"{SECTION_TITLES[part]} ({count:,})" in drawn["markdown"]
        lines += [
            f"{part.value} {count} {form} {len(text.encode())} {sha256(text.encode()).hexdigest()[:32]}"
            for form, text in drawn.items()
        ]
        if count == MANY:
            golden(f"many.{part.value}.80.txt", drawn["text"])
            golden(f"many.{part.value}.md", drawn["markdown"])
    golden(f"many.{part.value}.digests.txt", "\n".join(lines) + "\n")
    assert ("**Omitted to keep this short:**" in drawn["markdown"]) is (part not in SMALL)


SMALL = frozenset()
"""Classes of which even so many fit into a comment."""

SCRIPT = """
import sys
from hashlib import sha256
sys.path.insert(0, sys.argv[1])
from keyturn.views.plan import render_plan
from plans import CASES
for name, made in CASES.items():
    for form in ("text", "markdown", "json", "html", "summary", "gitlab"):
        print(name, form, sha256(render_plan(made, form).encode()).hexdigest())
"""


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_the_same_input_gives_the_same_bytes(seed):
    """In another process, with another seed for the hashes: every case in every form."""
    folder = str(Path(__file__).parents[2])
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
                and replace(
                    each.desired, ciphertext_digests=dict(reversed(each.desired.ciphertext_digests.items()))
                ),
            )
            for each in case.changes
        ),
    )
    assert list(turned.impact) != list(case.impact)
    assert drawings(turned) == drawings(case)


THREE = change(Action.UPDATE, fields=(moved("config.port", 5001, 5002, 5003),))


@pytest.mark.parametrize("form", ["text", "markdown", "html", "json"])
def test_drift_is_three_values_in_every_drawing(form):
    """Last applied, live, desired; a change without drift has two."""
    drawn = render_plan(plan(THREE), form)
    assert all(value in drawn for value in ("5001", "5002", "5003"))
    if form != "json":
        calm = render_plan(plan(replace(THREE, fields=(moved("config.port", 5002, 5002, 5003),))), form)
        assert "5001" not in calm
        assert "drift" not in calm
        assert "last applied" not in calm


@pytest.mark.parametrize("form", ["text", "markdown", "html", "json"])
@pytest.mark.parametrize("state", SecretStatus, ids=lambda state: state.value)
def test_every_state_has_its_word_and_its_reason_in_every_drawing(form, state):
    """Never one blank mask; no value, no length, no digest of one."""
    made = change(Action.ROTATE, secrets=(secret(state.value, "for this very reason"),))
    drawn = render_plan(plan(made), form)
    assert "for this very reason" in drawn
    assert re.search(rf"\b{state.value}\b", drawn.split("</style>")[-1])
    assert "***" not in drawn
