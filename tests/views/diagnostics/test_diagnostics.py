"""The formats of diagnostics."""

import subprocess
import sys

import pytest

from keyturn.cli.commands.validate import VALIDATE_FORMATS
from keyturn.views.diagnostics import DIAGNOSTIC_RENDERERS, ci_formats, render_diagnostics, text
from keyturn.views.terminal import TerminalStyle
from sample_plans import FINDINGS

SOME = text.DiagnosticReport(diagnostics=FINDINGS, files=("manifests/prod/credentials/prod-db.yaml",))


def test_the_command_line_offers_all_formats():
    """Except internal ones."""
    assert set(DIAGNOSTIC_RENDERERS) - {"stopped"} == set(VALIDATE_FORMATS)


@pytest.mark.parametrize("form", DIAGNOSTIC_RENDERERS)
def test_each_format_has_its_renderer(form):
    """Only formats for people use the style."""
    style = TerminalStyle(color=True, width=60)
    minding = {
        "text": text.render_diagnostics_text,
        "stopped": text.render_stopping_diagnostics,
        "concise": text.render_diagnostics_concise,
    }
    others = {"json": text.render_diagnostics_json, "markdown": text.render_diagnostics_markdown}
    if form in minding:
        assert render_diagnostics(SOME, form, style) == minding[form](SOME, style) != minding[form](SOME)
    else:
        assert render_diagnostics(SOME, form, style) == {**others, **ci_formats.CI_RENDERERS}[form](SOME)


def test_text_does_not_import_xml():
    """Only CI formats import it."""
    program = (
        "import sys; from keyturn.views.diagnostics import render_diagnostics\n"
        "from keyturn.views.diagnostics.text import DiagnosticReport\n"
        "render_diagnostics(DiagnosticReport(diagnostics=())); print('xml' in sys.modules)\n"
        "render_diagnostics(DiagnosticReport(diagnostics=()), 'sarif'); print('xml' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_an_unknown_format_is_an_error():
    """The message lists the formats."""
    with pytest.raises(ValueError, match="sarif"):
        render_diagnostics(SOME, "xml")
