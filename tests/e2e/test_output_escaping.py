"""Escaping in every output format: no invisible character and no runner command is printed."""

import csv
import io
import json
import re
from datetime import date
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from invisible_characters import RUNNER_COMMAND, SAMPLES_BY_SORT, find_invisible
from keyturn.model.change import MISSING, ChangeOutcome, FieldChange, OutcomeStatus
from keyturn.model.connection_failure import FailureReason
from keyturn.model.diagnostic import Severity
from keyturn.model.results import (
    CheckResult,
    CheckStatus,
    ConnectionTestResult,
    ImportResult,
    PullResult,
    SkippedField,
    TestStatus,
)
from keyturn.model.usage import CredentialUsage, CredentialUsers, UsageReport
from keyturn.model.usage import Expiry as End_
from keyturn.planning.workspace_diff import FieldDifference, ResourceDiff, WorkspaceDiff
from keyturn.views.diagnostics import DIAGNOSTIC_RENDERERS as FINDING_FORMS
from keyturn.views.diagnostics import render_diagnostics
from keyturn.views.diagnostics.text import DiagnosticReport
from keyturn.views.plan import PLAN_RENDERERS as PLAN_FORMS
from keyturn.views.plan import render_plan
from keyturn.views.plan.review_diff import PlanRevision, render_changes_since_review
from keyturn.views.reports.apply import render_apply_report
from keyturn.views.reports.connection_tests import render_connection_tests
from keyturn.views.reports.doctor import render_doctor_report
from keyturn.views.reports.import_ import render_import
from keyturn.views.reports.pull import render_pull
from keyturn.views.reports.usage import USAGE_RENDERERS as USAGE_FORMS
from keyturn.views.reports.usage import render_usage
from keyturn.views.reports.workspace_diff import render_workspace_diff
from keyturn.views.terminal import TerminalStyle
from sample_plans import hostile_texts, make_finding, make_hostile_plan
from sample_resources import connection_address, credential_address
from sources import list_imports, list_modules

COLOURED, NARROW, TODAY = TerminalStyle(color=True, width=80), TerminalStyle(width=20), date(2026, 3, 1)
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def make_report(said):
    """Return findings of every grade that say ``said``, in a file of this name and with this text."""
    name = said or "x"
    found = tuple(
        make_finding(
            "KT133", grade, said, hint=said, origin=replace(make_finding("KT1", grade, "").origin, file=name)
        )
        for grade in Severity
    )
    return DiagnosticReport(
        diagnostics=found,
        files=(name,),
        base_folder=name,
        texts={name: f"kind: x\nname: y\n  {said}: {said}\nz: {said}"},
    )


def review(said):
    """Return a review of a credential of which ``said`` is all there is to say."""
    name = said or "x"
    reach = CredentialUsers(connections=(name,), pipelines=(name,), syncs=(name,), schedules=1, next_run=said)
    one = CredentialUsage(
        address=credential_address(name), type=said, file=said, status=said, owner=said, users=reach,
        expiries=(End_(said, TODAY),), long_lived_reason=said, recipients=(said,),
    )  # fmt: skip
    return UsageReport(
        workspace=name, organization=said, today=TODAY, notice_days=30, usages=(one,), notes=(said,)
    )


def outcomes(said):
    """Return an outcome of every ending."""
    return tuple(
        ChangeOutcome(
            address=credential_address(said or "x"), action=said, outcome_status=each, message=said,
            hint=said, warnings=(said,), waits_for=(connection_address(said or "x"),),
        )
        for each in OutcomeStatus
    )  # fmt: skip


def trials(said):
    """Return a test of every end."""
    return tuple(
        ConnectionTestResult(
            address=connection_address(said or "x"), status=each,
            credentials=(credential_address(said or "x"),),
            reason=FailureReason.TLS, message=said, hint=said, latency_ms=1.5, server_version=said,
        )
        for each in TestStatus
    )  # fmt: skip


def checks(said):
    """Return a check of every state."""
    return tuple(
        CheckResult(topic=said, status=each, message=said, hint=said, code=said) for each in CheckStatus
    )


def contrast(said):
    """Return two environments that share a secret and little else."""
    name, path = said or "x", (said or "x",)
    both = ResourceDiff(
        kind="connection", base_name=name, left=connection_address(name), right=connection_address(name),
        differences=(FieldDifference(path, said, MISSING),), secrets={path: "same", ("a", *path): "left"},
    )  # fmt: skip
    lone = ResourceDiff(kind=name, base_name=name, left=None, right=connection_address(name), secrets={})
    return WorkspaceDiff((name, name), (both, lone), secrets_compared=True)


def pulled(said):
    """Return a pull that wrote one field and left another."""
    name, path = said or "x", (said or "x",)
    field = FieldChange(path, said, said + "1", said)
    return (
        PullResult(
            address=connection_address(name),
            file=name,
            written=(field,),
            skipped=(SkippedField(path, said, name),),
            resealed=True,
        ),
    )


def imported(said):
    """Return an import that wrote one file and left another out."""
    done = ImportResult(credential_address(said or "x"), said or "x", notes=(said,))
    return (done, ImportResult(connection_address(said or "x"), "", said))


def differences(said):
    """Return a reviewed plan beside another one."""
    then, now = make_hostile_plan(said), make_hostile_plan(said + "x")
    return PlanRevision(then, said), PlanRevision(now, said + "y"), then.access_changes


TEXT, JSON, XML, HTML, CSV = "text", "json", "xml", "html", "csv"
LINES = "lines"  # text of several lines, in which tabs stay too
KINDS = {"github": LINES, "json": JSON, "sarif": JSON, "gitlab": JSON, "junit": XML, "html": HTML, "csv": CSV}


def sinks():
    """Yield each drawing there is by its name: its kind, and how it is drawn."""
    for style in ("plain", "coloured", "narrow"):
        look = {"plain": TerminalStyle(), "coloured": COLOURED, "narrow": NARROW}[style]
        several = {
            **{
                f"plan {form}": lambda said, form=form, look=look: render_plan(
                    make_hostile_plan(said), form, look
                )
                for form in PLAN_FORMS
            },
            **{
                f"findings {form}": lambda said, form=form, look=look: render_diagnostics(
                    make_report(said), form, look
                )
                for form in FINDING_FORMS
            },
            **{
                f"usage {form}": lambda said, form=form, look=look: render_usage(review(said), form, look)
                for form in USAGE_FORMS
            },
            **{
                f"report {form}": lambda said, form=form, look=look: render_apply_report(
                    make_hostile_plan(said), outcomes(said), form, look
                )
                for form in ("text", "json")
            },
            **{
                f"trials {form}": lambda said, form=form, look=look: render_connection_tests(
                    said, trials(said), form, look
                )
                for form in ("text", "json", "junit")
            },
            **{
                f"health {form}": lambda said, form=form, look=look: render_doctor_report(
                    checks(said), form, look
                )
                for form in ("text", "json")
            },
            **{
                f"contrast {form}": lambda said, form=form, look=look: render_workspace_diff(
                    contrast(said), form, look
                )
                for form in ("text", "json")
            },
            **{
                f"pulled {form}": lambda said, form=form, look=look: render_pull(
                    said, pulled(said), form, look
                )
                for form in ("text", "json")
            },
            **{
                f"imported {form}": lambda said, form=form: render_import(said, imported(said), form)
                for form in ("text", "json")
            },
            "since text": lambda said, look=look: render_changes_since_review(*differences(said), look),
        }
        for name, drawn in several.items():
            kind = KINDS.get(name.split()[1], TEXT)
            if style == "plain" or kind in {TEXT, LINES}:
                yield f"{name}, {style}", kind, drawn


SINKS = {name: (kind, drawn) for name, kind, drawn in sinks()}


ALLOWED = {CSV: "\r", LINES: "\t", XML: "\t"}


def assert_escaped(kind, text):
    """Check that output holds no invisible character, no runner command, and parses in its format."""
    assert find_invisible(ANSI.sub("", text)) <= {"\n", *ALLOWED.get(kind, "")}
    assert not RUNNER_COMMAND.search(remove_annotations(text))
    if kind == JSON:
        assert re.fullmatch(r"[\n\x20-\x7e]*", text)
        json.loads(text)
    elif kind == XML:
        ET.fromstring(text)  # noqa: S314  # our own
    elif kind == HTML:
        reader = HTMLParser(convert_charrefs=True)
        seen = []
        reader.handle_data = seen.append
        reader.feed(text)
        assert find_invisible("".join(seen)) <= {"\n"}
    elif kind == CSV:
        assert {len(row) for row in csv.reader(io.StringIO(text, newline=""))} == {12}


def remove_annotations(text):
    """Return text without keyturn's own GitHub annotations."""
    return re.sub(r"^::(error|warning|notice) file=[^:\n]*::", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize("sort", SAMPLES_BY_SORT)
@pytest.mark.parametrize("sink", SINKS)
def test_every_output_escapes_invisible_characters(sink, sort):
    """Every renderer, with each sort of invisible character in every value."""
    kind, drawn = SINKS[sink]
    for said in (SAMPLES_BY_SORT[sort], f"a {SAMPLES_BY_SORT[sort]} b"):
        assert_escaped(kind, drawn(said))


@pytest.mark.parametrize("sink", SINKS)
@settings(max_examples=15)
@given(said=st.one_of(hostile_texts(), st.text(max_size=20)))
def test_every_output_escapes_any_text(sink, said):
    """Every renderer, with any text in every value."""
    kind, drawn = SINKS[sink]
    assert_escaped(kind, drawn(said))


def test_every_renderer_is_tested():
    """Every renderer that code outside of the views imports has a sink in this file."""
    imported = {
        name.rpartition(".")[2]
        for module in list_modules("keyturn")
        if module.layer != "keyturn.views"
        for name in list_imports(module)
        if name.startswith("keyturn.views.") and ".render_" in name
    }
    assert imported - globals().keys() == set()
    assert len([name for name in SINKS if name.startswith("findings") and "plain" in name]) == len(
        FINDING_FORMS
    )
