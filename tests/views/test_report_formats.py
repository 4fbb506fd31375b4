"""The choice among formats, and what all result reports share."""

import json

import pytest

from keyturn.model.address import Address
from keyturn.model.results import CheckResult, CheckStatus, ImportResult
from keyturn.views.report_formats import render_in_format
from keyturn.views.reports.apply import render_apply_report
from keyturn.views.reports.connection_tests import render_connection_tests
from keyturn.views.reports.doctor import render_doctor_report
from keyturn.views.reports.import_ import render_import
from keyturn.views.reports.pull import render_pull
from keyturn.views.terminal import PLAIN_STYLE, TerminalStyle
from sample_plans import CASES

RENDERERS = {
    "text": lambda subject, style: f"{subject} {style.width}",
    "json": lambda subject, _: f"[{subject}]",
}
REPORTS = {
    "apply": lambda *options: render_apply_report(CASES["empty"], (), *options),
    "doctor": lambda *options: render_doctor_report((), *options),
    "import": lambda *options: render_import("prod", (), *options),
    "pull": lambda *options: render_pull("prod", (), *options),
    "test": lambda *options: render_connection_tests("prod", (), *options),
}


def test_a_format_is_chosen_by_name():
    """The renderer gets the subject and the style."""
    assert render_in_format(RENDERERS, 1, "json", PLAIN_STYLE) == "[1]"
    assert render_in_format(RENDERERS, 1, "text", PLAIN_STYLE) == "1 80"


def test_an_unknown_format_is_an_error():
    """The message lists the formats and escapes the name."""
    with pytest.raises(ValueError, match=r"^unknown format 'yaml\\x1b': choose one of text, json$"):
        render_in_format(RENDERERS, 1, "yaml\x1b", PLAIN_STYLE)


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_has_text_and_json(name):
    """The last line of the text is the summary of the JSON; another format is an error."""
    document = json.loads(REPORTS[name]("json"))
    assert document["format_version"] == "1.0"
    assert REPORTS[name]().splitlines()[-1] == document["summary"]["line"]
    with pytest.raises(ValueError, match="choose one of text, json"):
        REPORTS[name]("html")


def test_summary_follows_a_blank_line_in_bold():
    """Without lines above it, there is no blank line."""
    checks = (CheckResult(topic="api", status=CheckStatus.PASSED, message="m"),)
    lines = render_doctor_report(checks, "text", TerminalStyle(color=True)).splitlines()
    assert lines[1] == ""
    assert lines[2].startswith("\x1b[1mDoctor: ")
    assert len(render_doctor_report(()).splitlines()) == 1


def test_an_import_has_no_blank_line():
    """Its lines and the summary are one block."""
    done = ImportResult(Address("credential", "prod-db"), "manifests/prod-db.yaml")
    assert len(render_import("prod", (done,)).splitlines()) == 2
