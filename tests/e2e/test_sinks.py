"""The property of the sanitiser over everything that is ever drawn: nothing unseen reaches any sink."""

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

import keyturn.render as renderers
from keyturn.core.change import ABSENT, FieldChange
from keyturn.core.contrast import Contrast, Contrasted, Difference
from keyturn.core.diagnostic import Severity
from keyturn.core.health import Check, State
from keyturn.core.imported import Imported
from keyturn.core.outcome import Ending, Outcome
from keyturn.core.pulled import Left, Pulled
from keyturn.core.trial import End, Reason, Tried
from keyturn.core.usage import Ending as End_
from keyturn.core.usage import Reach, Review, Usage
from keyturn.render.contrast import draw_contrast
from keyturn.render.finding_forms import FORMS as FINDING_FORMS
from keyturn.render.finding_forms import draw_findings
from keyturn.render.findings import Findings
from keyturn.render.health import draw_health
from keyturn.render.importing import draw_imported
from keyturn.render.plan_forms import FORMS as PLAN_FORMS
from keyturn.render.plan_forms import draw_plan
from keyturn.render.pulling import draw_pulled
from keyturn.render.report import draw_report
from keyturn.render.since import Side, since_text
from keyturn.render.style import Style
from keyturn.render.trials import draw_trials
from keyturn.render.usage_forms import FORMS as USAGE_FORMS
from keyturn.render.usage_forms import draw_usage
from making import connection, credential
from plans import finding, hostile_plan, hostile_text
from unseen import COMMAND, SORTS, unseen

COLOURED, NARROW, TODAY = Style(colour=True, width=80), Style(width=20), date(2026, 3, 1)
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def findings(said):
    """Return findings of every grade that say ``said``, in a file of this name and with this text."""
    name = said or "x"
    found = tuple(
        finding("KT133", grade, said, hint=said, origin=replace(finding("KT1", grade, "").origin, file=name))
        for grade in Severity
    )
    return Findings(
        found=found, files=(name,), base=name, texts={name: f"kind: x\nname: y\n  {said}: {said}\nz: {said}"}
    )


def review(said):
    """Return a review of a credential of which ``said`` is all there is to say."""
    name = said or "x"
    reach = Reach(connections=(name,), pipelines=(name,), syncs=(name,), schedules=1, next_run=said)
    one = Usage(
        address=credential(name), type=said, file=said, status=said, owner=said, reach=reach,
        endings=(End_(said, TODAY),), lasting=said, readers=(said,),
    )  # fmt: skip
    return Review(workspace=name, organization=said, today=TODAY, notice=30, usages=(one,), notes=(said,))


def outcomes(said):
    """Return an outcome of every ending."""
    return tuple(
        Outcome(
            address=credential(said or "x"), action=said, ending=each, message=said, hint=said,
            warnings=(said,), waits_for=(connection(said or "x"),),
        )
        for each in Ending
    )  # fmt: skip


def trials(said):
    """Return a test of every end."""
    return tuple(
        Tried(
            address=connection(said or "x"), end=each, credentials=(credential(said or "x"),),
            reason=Reason.TLS, message=said, hint=said, latency_ms=1.5, server_version=said,
        )
        for each in End
    )  # fmt: skip


def checks(said):
    """Return a check of every state."""
    return tuple(Check(topic=said, state=each, message=said, hint=said, code=said) for each in State)


def contrast(said):
    """Return two environments that share a secret and little else."""
    name, path = said or "x", (said or "x",)
    both = Contrast(
        kind="connection", stem=name, left=connection(name), right=connection(name),
        differences=(Difference(path, said, ABSENT),), secrets={path: "same", ("a", *path): "left"},
    )  # fmt: skip
    lone = Contrast(kind=name, stem=name, left=None, right=connection(name), secrets={})
    return Contrasted((name, name), (both, lone), opened=True)


def pulled(said):
    """Return a pull that wrote one field and left another."""
    name, path = said or "x", (said or "x",)
    field = FieldChange(path, said, said + "1", said)
    return (
        Pulled(
            address=connection(name), file=name, written=(field,), left=(Left(path, said, name),), sealed=True
        ),
    )


def imported(said):
    """Return an import that wrote one file and left another out."""
    done = Imported(credential(said or "x"), said or "x", notes=(said,))
    return (done, Imported(connection(said or "x"), "", said))


def differences(said):
    """Return a reviewed plan beside another one."""
    then, now = hostile_plan(said), hostile_plan(said + "x")
    return Side(then, said), Side(now, said + "y"), then.access


TEXT, JSON, XML, HTML, CSV = "text", "json", "xml", "html", "csv"
LINES = "lines"  # text of several lines, in which tabs stay too
KINDS = {"github": LINES, "json": JSON, "sarif": JSON, "gitlab": JSON, "junit": XML, "html": HTML, "csv": CSV}


def sinks():
    """Yield each drawing there is by its name: its kind, and how it is drawn."""
    for style in ("plain", "coloured", "narrow"):
        look = {"plain": Style(), "coloured": COLOURED, "narrow": NARROW}[style]
        several = {
            **{
                f"plan {form}": lambda said, form=form, look=look: draw_plan(hostile_plan(said), form, look)
                for form in PLAN_FORMS
            },
            **{
                f"findings {form}": lambda said, form=form, look=look: draw_findings(
                    findings(said), form, look
                )
                for form in FINDING_FORMS
            },
            **{
                f"usage {form}": lambda said, form=form, look=look: draw_usage(review(said), form, look)
                for form in USAGE_FORMS
            },
            **{
                f"report {form}": lambda said, form=form, look=look: draw_report(
                    hostile_plan(said), outcomes(said), form, look
                )
                for form in ("text", "json")
            },
            **{
                f"trials {form}": lambda said, form=form, look=look: draw_trials(
                    said, trials(said), form, look
                )
                for form in ("text", "json", "junit")
            },
            **{
                f"health {form}": lambda said, form=form, look=look: draw_health(checks(said), form, look)
                for form in ("text", "json")
            },
            **{
                f"contrast {form}": lambda said, form=form, look=look: draw_contrast(
                    contrast(said), form, look
                )
                for form in ("text", "json")
            },
            **{
                f"pulled {form}": lambda said, form=form, look=look: draw_pulled(
                    said, pulled(said), form, look
                )
                for form in ("text", "json")
            },
            **{
                f"imported {form}": lambda said, form=form: draw_imported(said, imported(said), form)
                for form in ("text", "json")
            },
            "since text": lambda said, look=look: since_text(*differences(said), look),
        }
        for name, drawn in several.items():
            kind = KINDS.get(name.split()[1], TEXT)
            if style == "plain" or kind in {TEXT, LINES}:
                yield f"{name}, {style}", kind, drawn


SINKS = {name: (kind, drawn) for name, kind, drawn in sinks()}


ALLOWED = {CSV: "\r", LINES: "\t", XML: "\t"}


def harmless(kind, text):
    """Check that a drawing holds nothing that is unseen, and is whole as what it claims to be."""
    assert unseen(ANSI.sub("", text)) <= {"\n", *ALLOWED.get(kind, "")}
    assert not COMMAND.search(ours_taken_out(text))
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
        assert unseen("".join(seen)) <= {"\n"}
    elif kind == CSV:
        assert {len(row) for row in csv.reader(io.StringIO(text, newline=""))} == {12}


def ours_taken_out(text):
    """Return text without the annotations that we ourselves write for GitHub."""
    return re.sub(r"^::(error|warning|notice) file=[^:\n]*::", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("sink", SINKS)
def test_no_forbidden_character_reaches_a_sink(sink, sort):
    """Every drawing that there is, each sort of what is forbidden wherever data may stand."""
    kind, drawn = SINKS[sink]
    for said in (SORTS[sort], f"a {SORTS[sort]} b"):
        harmless(kind, drawn(said))


@pytest.mark.parametrize("sink", SINKS)
@settings(max_examples=15)
@given(said=st.one_of(hostile_text(), st.text(max_size=20)))
def test_no_text_reaches_a_sink_as_it_is(sink, said):
    """For any text wherever data may stand."""
    kind, drawn = SINKS[sink]
    harmless(kind, drawn(said))


def test_every_renderer_is_tried():
    """What is drawn somewhere is a sink of this file."""
    drawing = {name for name in renderers.__all__ if name.startswith("draw_") or name.endswith("_text")}
    told = {"draw_plan", "draw_findings", "draw_usage", "draw_report", "draw_trials", "draw_health"}
    assert drawing == told | {"draw_contrast", "draw_pulled", "draw_imported", "since_text"}
    assert len([name for name in SINKS if name.startswith("findings") and "plain" in name]) == len(
        FINDING_FORMS
    )
