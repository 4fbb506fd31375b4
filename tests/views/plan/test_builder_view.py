"""The view of a plan."""

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
from sample_plans import (
    CASES,
    CREATE,
    DB,
    FINDINGS,
    IMPACT,
    PG,
    RETIRE,
    UNAPPROVED,
    make_change,
    make_field_change,
    make_finding,
    make_large_plan,
    make_plan,
    make_secret_change,
    make_section_plan,
)

GRAMMAR = re.compile(r"^(Plan: \d+ to \w+(, \d+ to \w+)*|No changes\. [^.]+)\.( (\d+) needs? attention\.)?$")


@pytest.mark.parametrize("case", CASES)
def test_summary_matches_its_grammar(case):
    """For every plan."""
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
def test_summary_has_the_counts_that_are_not_zero(case, line):
    """In a fixed order."""
    assert format_plan_summary(CASES[case]) == line


def test_attention_counts_a_resource_once():
    """An exposure and its error are one thing to look at."""
    case = CASES["exposure"]
    assert count_attention(case) == 2
    assert count_attention(replace(case, diagnostics=(*case.diagnostics, UNAPPROVED))) == 2


def test_attention_does_not_count_notes():
    """Only errors and warnings."""
    assert count_attention(make_plan(diagnostics=FINDINGS)) == 2
    assert count_attention(make_plan(diagnostics=(make_finding("KT313", Severity.NOTE, "n"),))) == 0


def test_sections_are_ordered_by_risk():
    """For any order of the changes."""
    parts = [section.kind for section in build_view(CASES["everything"]).sections]
    assert parts == sorted(parts, key=list(SectionKind).index)
    assert parts[:2] == [SectionKind.EXPOSURE, SectionKind.ACCESS]


def test_risky_entries_are_repeated():
    """Exposures, access changes, retirements and replacements, in this order."""
    shown = build_view(CASES["everything"])
    assert [entry.symbol for entry in shown.repeated] == ["!", "!", "!", "-", "±"]


def test_the_same_plan_gives_the_same_view():
    """A view depends only on the plan."""
    assert build_view(CASES["everything"]) == build_view(CASES["everything"])


def test_links_lead_to_the_user():
    """References in manifests, other users, pipelines and syncs."""
    shown = build_view(make_plan(CREATE, replace(RETIRE, address=DB), impact={DB: IMPACT}))
    assert DependencyLink("credential/prod-db", "connection/prod-pg") in shown.links
    assert DependencyLink("credential/prod-db", "connection/made-in-the-ui") in shown.links
    assert DependencyLink("credential/prod-db", "pipeline/nightly-load") in shown.links


def test_a_pipeline_is_linked_to_its_connection():
    """Not also to the credential."""
    impact = {DB: IMPACT, PG: Impact(downstream=("pipeline/nightly-load",))}
    links = build_view(make_plan(CREATE, impact=impact)).links
    assert DependencyLink("connection/prod-pg", "pipeline/nightly-load") in links
    assert DependencyLink("credential/prod-db", "pipeline/nightly-load") not in links


def test_changed_nodes_are_marked():
    """By their action, or as exposed."""
    marked = build_view(CASES["exposure"]).node_marks
    assert set(marked.values()) == {"exposed"}
    assert build_view(CASES["create"]).node_marks["credential/prod-db"] == "create"


def test_errors_block_the_plan():
    """The summary names their codes, with the number of each, and the exit code of an apply."""
    error, moved_secret = FINDINGS[0], replace(UNAPPROVED, code="KT451")
    made = make_plan(diagnostics=(error, *FINDINGS[1:], moved_secret, replace(moved_secret, address=PG)))
    summary = "Plan blocked by 3 errors (KT451 \u00d72, KT454); apply would exit 5."
    assert build_view(made).blocked_summary == summary
    assert all(summary in render_plan(made, form) for form in ("text", "markdown", "html"))
    assert build_view(make_plan(diagnostics=FINDINGS[1:])).blocked_summary == ""


def test_a_large_plan_keeps_every_section():
    """For any number of resources."""
    few, many = build_view(CASES["everything"]), build_view(make_large_plan(2_000))
    assert {section.kind for section in many.sections} == {section.kind for section in few.sections}


def test_a_retired_connection_is_linked_to_its_credential():
    """The state has the reference when the manifest is deleted."""
    known = replace(RETIRE.entry, address=PG, applied={("credential",): DB})
    links = build_view(make_plan(replace(RETIRE, address=PG, entry=known))).links
    assert links == (DependencyLink("credential/prod-db", "connection/prod-pg"),)


MANY, OVER = 12, 700
"""More entries than a list of names shows, and than a comment holds."""


def drawings(made):
    """Return a plan in every format, by format name."""
    return {
        form: render_plan(made, form) for form in ("text", "markdown", "json", "html", "summary", "gitlab")
    }


@pytest.mark.parametrize("part", SectionKind, ids=lambda part: part.value)
def test_every_section_in_every_size(part, assert_golden):
    """Goldens of 1 and 12 entries, digests of these and of 700."""
    lines = []
    for count in (1, MANY, OVER):
        drawn = drawings(make_section_plan(part, count))
        assert len(drawn["markdown"].encode()) <= PLAN_COMMENT_BUDGET
        assert f"{SECTION_TITLES[part]} ({count:,})" in drawn["markdown"]
        lines += [
            f"{part.value} {count} {form} {len(text.encode())} {sha256(text.encode()).hexdigest()[:32]}"
            for form, text in drawn.items()
        ]
        if count == MANY:
            assert_golden(f"many.{part.value}.80.txt", drawn["text"])
            assert_golden(f"many.{part.value}.md", drawn["markdown"])
    assert_golden(f"many.{part.value}.digests.txt", "\n".join(lines) + "\n")
    assert ("**Omitted to keep this short:**" in drawn["markdown"]) is (part not in SMALL)


SMALL = frozenset()
"""Sections of which 700 entries fit into a comment."""

SCRIPT = """
import sys
from hashlib import sha256
sys.path.insert(0, sys.argv[1])
from keyturn.views.plan import render_plan
from sample_plans import CASES
for name, made in CASES.items():
    for form in ("text", "markdown", "json", "html", "summary", "gitlab"):
        print(name, form, sha256(render_plan(made, form).encode()).hexdigest())
"""


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_the_same_input_gives_the_same_bytes(seed):
    """In another process with another hash seed, for every case and format."""
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


def test_order_of_mappings_has_no_effect():
    """Impact and ciphertext digests in reverse order give the same bytes."""
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


THREE = make_change(Action.UPDATE, fields=(make_field_change("config.port", 5001, 5002, 5003),))


@pytest.mark.parametrize("form", ["text", "markdown", "html", "json"])
def test_drift_has_three_values_in_every_format(form):
    """A change without drift has two."""
    drawn = render_plan(make_plan(THREE), form)
    assert all(value in drawn for value in ("5001", "5002", "5003"))
    if form != "json":
        calm = render_plan(
            make_plan(replace(THREE, fields=(make_field_change("config.port", 5002, 5002, 5003),))), form
        )
        assert "5001" not in calm
        assert "drift" not in calm
        assert "last applied" not in calm


@pytest.mark.parametrize("form", ["text", "markdown", "html", "json"])
@pytest.mark.parametrize("state", SecretStatus, ids=lambda state: state.value)
def test_every_secret_status_has_its_reason_in_every_format(form, state):
    """The output has no mask, value or digest."""
    made = make_change(Action.ROTATE, secrets=(make_secret_change(state.value, "for this very reason"),))
    drawn = render_plan(make_plan(made), form)
    assert "for this very reason" in drawn
    assert re.search(rf"\b{state.value}\b", drawn.split("</style>")[-1])
    assert "***" not in drawn
