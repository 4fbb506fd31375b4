"""The doing of validate."""

from pathlib import Path

import pytest

from keyturn.cli.validator import Examined, _below, stopped, told
from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic, Severity
from keyturn.engine.checking import Checked


def examined(*severities):
    """Return an examination that found so much."""
    findings = tuple(
        Diagnostic(code="KT131", severity=each, message="m", origin=Origin("f.yaml")) for each in severities
    )
    return Examined(Path(), Checked(findings, ("f.yaml",)))


@pytest.mark.parametrize(
    ("severities", "fails", "strictly"),
    [
        ([], False, False),
        ([Severity.NOTE], False, False),
        ([Severity.WARNING], False, True),
        ([Severity.NOTE, Severity.ERROR], True, True),
    ],
)
def test_what_fails(severities, fails, strictly):
    """Errors always, warnings where it was asked for, notes never."""
    assert examined(*severities).fails(strict=False) is fails
    assert examined(*severities).fails(strict=True) is strictly


def test_paths_are_told_from_the_root(tmp_path):
    """Wherever one stands; what is outside keeps its name."""
    assert _below(tmp_path, tmp_path / "a/b.yaml") == "a/b.yaml"
    assert _below(tmp_path / "root", Path("/elsewhere/b.yaml")) == "/elsewhere/b.yaml"


def test_forms_end_without_a_newline():
    """Click adds the last one."""
    assert told(examined(Severity.ERROR), "concise", colour=False) == "f.yaml: error KT131 m"
    assert told(examined(), "text", colour=False) == "1 file checked: nothing found."


def test_what_stopped_everything_is_an_examination_too(tmp_path):
    """Of no file, with what was found."""
    found = examined(Severity.ERROR).checked.findings
    assert stopped(tmp_path, found).checked == Checked(found, ())
