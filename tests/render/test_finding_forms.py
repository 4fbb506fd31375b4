"""Findings in each of their forms."""

import subprocess
import sys

import pytest

from keyturn.cli.validate import FORMATS
from keyturn.render import annotations, findings
from keyturn.render.finding_forms import FORMS, draw_findings
from keyturn.render.style import Style
from plans import FINDINGS

SOME = findings.Findings(found=FINDINGS, files=("manifests/prod/credentials/prod-db.yaml",))


def test_the_command_line_offers_these():
    """All but the one for what stopped it."""
    assert set(FORMS) - {"stopped"} == set(FORMATS)


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_drawn_by_its_renderer(form):
    """Those for people mind the style, those for programs do not."""
    style = Style(colour=True, width=60)
    minding = {
        "text": findings.findings_text,
        "stopped": findings.stopped,
        "concise": findings.findings_concise,
    }
    others = {"json": findings.findings_json, "markdown": findings.findings_markdown}
    if form in minding:
        assert draw_findings(SOME, form, style) == minding[form](SOME, style) != minding[form](SOME)
    else:
        assert draw_findings(SOME, form, style) == {**others, **annotations.ANNOTATIONS}[form](SOME)


def test_people_do_not_wait_for_xml():
    """What escapes XML is imported by those forms alone that are not for people."""
    program = (
        "import sys; from keyturn.render.finding_forms import draw_findings\n"
        "from keyturn.render.findings import Findings\n"
        "draw_findings(Findings(found=())); print('xml' in sys.modules)\n"
        "draw_findings(Findings(found=()), 'sarif'); print('xml' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_another_form_is_refused():
    """With the names of those there are."""
    with pytest.raises(ValueError, match="sarif"):
        draw_findings(SOME, "xml")
