"""The door through which errors leave: message and exit code."""

import errno
import json

import click
import pytest
from click.testing import CliRunner

from keyturn.catalog import load_catalog
from keyturn.cli import options
from keyturn.cli.errors import error_boundary, exit_code_of, print_diagnostics
from keyturn.cli.exit_codes import ExitWith
from keyturn.client.errors import ErrorDetails, NotSent, RequestRejected, Unauthorized
from keyturn.client.messages import Request
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity


def finding(code, severity=Severity.ERROR, origin=None):
    """Return a finding with a code."""
    return Diagnostic(
        code=code,
        severity=severity,
        message="it is so",
        origin=origin or SourceLocation("f.yaml"),
        hint="do it",
    )


def ended(error, *words):
    """Return how a command ends in which an error is raised."""

    @click.command()
    @options.chdir_option
    @click.option("--format", "form", default="text")
    def command(**_):
        with error_boundary(color=False):
            raise error

    return CliRunner().invoke(command, words)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([], 1),
        (["KT131"], 1),
        (["KT020"], 1),
        (["KT221"], 5),
        (["KT251"], 5),
        (["KT301"], 5),
        (["KT451"], 5),
        (["KT460"], 1),
        (["KT463"], 1),
        (["KT502"], 6),
        (["KT030"], 6),
        (["KT508"], 1),
        (["KT520"], 5),
        (["KT600"], 5),
        (["KT602"], 1),
        (["KT610"], 4),
        (["KT652"], 4),
        (["KT131", "KT451"], 5),
        (["KT451", "KT652"], 5),
    ],
)
def test_exit_codes(codes, expected):
    """The gravest finding decides."""
    assert exit_code_of(tuple(map(finding, codes))) == expected


def test_warnings_decide_nothing():
    """Only errors stop."""
    assert exit_code_of((finding("KT451", Severity.WARNING), finding("KT131"))) == 1


def test_every_error_has_a_code_below_the_reserved_ones():
    """No finding ends with a code that means something else to scripts."""
    assert {exit_code_of((finding(code),)) for code in load_catalog()} <= {1, 4, 5, 6}


CALL = Request(method="GET", path="/api/credentials", path_template="/api/credentials", operation="list")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (DiagnosticError(finding("KT131")), 1, "error[KT131]: it is so"),
        (Unauthorized(CALL, ErrorDetails(status=401)), 6, "error[KT502]"),
        (Unauthorized(CALL, ErrorDetails(status=403)), 6, "error[KT503]"),
        (RequestRejected(CALL, ErrorDetails(status=400)), 1, "error[KT501]"),
        (NotSent(CALL), 1, "error[KT508]"),
        (ExitWith(3), 3, ""),
        (KeyboardInterrupt(), 130, "interrupted"),
        (BrokenPipeError(), 0, ""),
        (FileNotFoundError(errno.ENOENT, "x", "/a/b"), 1, "error[KT045]: a file cannot be read or written"),
        (OSError(errno.ENOSPC, "x"), 1, "standard output"),
        (click.UsageError("so not"), 2, "so not"),
        (SystemExit(7), 7, ""),
        (click.Abort(), 1, "Aborted!"),
        (OSError(errno.EBADF, "x"), 70, "this is a bug"),
    ],
)  # fmt: skip
def test_errors(error, code, said):
    """Each kind of error has its exit code and its words."""
    result = ended(error)
    assert result.exit_code == code
    assert said in result.stderr
    assert result.stdout == ""


def test_a_bug_shows_neither_text_nor_values(canary):
    """Place and class are enough for a report; the text of an error may hold anything."""
    result = ended(RuntimeError(canary()))
    assert result.exit_code == 70
    assert "RuntimeError" in result.stderr
    assert "report" in result.stderr


def test_json_is_told_on_both_streams():
    """Programs read the one, people the other."""
    result = ended(DiagnosticError(finding("KT131"), finding("KT401")), "--format", "json")
    assert [each["code"] for each in json.loads(result.stdout)["findings"]] == ["KT131", "KT401"]
    assert "error[KT401]" in result.stderr


def test_the_line_is_shown_where_the_project_is_known(tmp_path, monkeypatch):
    """A frame with a caret; without a project, the place alone."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.yaml").write_text("kind: credential\nconfg: {}\n")
    error = DiagnosticError(finding("KT131", origin=SourceLocation("f.yaml", 2, 1)))
    assert "^" not in ended(error).stderr
    (tmp_path / "keyturn.yaml").write_text("version: 1\n")
    assert " 2 | confg" in ended(error).stderr


def test_without_a_command(capsys):
    """Findings can be shown outside of click too."""
    print_diagnostics((finding("KT131"),), color=False)
    assert "f.yaml" in capsys.readouterr().err
