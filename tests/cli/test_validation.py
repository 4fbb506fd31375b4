"""The doing of validate."""

from pathlib import Path

import pytest

from keyturn.cli.validation import (
    ProjectValidation,
    _find_path,
    _relative_to_root,
    failed_validation,
    format_validation,
)
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, Severity
from keyturn.operations.plan.validate import ValidationResult


def examined(*severities):
    """Return an examination that found so much."""
    findings = tuple(
        Diagnostic(code="KT131", severity=each, message="m", origin=SourceLocation("f.yaml"))
        for each in severities
    )
    return ProjectValidation(Path(), ValidationResult(findings, ("f.yaml",)))


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
    assert examined(*severities).has_failures(strict=False) is fails
    assert examined(*severities).has_failures(strict=True) is strictly


def test_paths_are_told_from_the_root(tmp_path):
    """Wherever one stands; what is outside keeps its name."""
    assert _relative_to_root(tmp_path, tmp_path / "a/b.yaml") == "a/b.yaml"
    assert _relative_to_root(tmp_path / "root", Path("/elsewhere/b.yaml")) == "/elsewhere/b.yaml"
    assert _relative_to_root(tmp_path, tmp_path / "a/../c.yaml") == "c.yaml"
    assert _relative_to_root(tmp_path, tmp_path / "a/..") == "."


def test_a_path_may_be_relative_to_the_current_folder(tmp_path, monkeypatch):
    """A hook at the top of a larger repository names files from there."""
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra/x.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert _find_path(Path("infra"), Path("infra/x.yaml")) == Path("infra/x.yaml")
    assert _find_path(Path("infra"), Path("x.yaml")) == Path("infra/x.yaml")


def test_forms_end_without_a_newline():
    """Click adds the last one."""
    assert format_validation(examined(Severity.ERROR), "concise", color=False) == "f.yaml: error KT131 m"
    assert format_validation(examined(), "text", color=False) == "1 file checked, no problems found."


def test_what_stopped_everything_is_an_examination_too(tmp_path):
    """Of no file, with what was found."""
    found = examined(Severity.ERROR).result.diagnostics
    assert failed_validation(tmp_path, found).result == ValidationResult(found, ())
