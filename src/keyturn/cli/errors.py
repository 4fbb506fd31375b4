"""The error boundary of commands: every error becomes a message and an exit code."""

import errno
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from keyturn import __version__
from keyturn.cli.exit_codes import EXIT_BUG, EXIT_DONE, EXIT_ERROR, EXIT_INTERRUPTED, ExitWith
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity

_DISK_ERRNOS = frozenset(
    {
        errno.EACCES, errno.EDQUOT, errno.EEXIST, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOENT,
        errno.ENOSPC, errno.ENOTDIR, errno.EPERM, errno.EROFS,
    }
)  # fmt: skip


def exit_code_of(diagnostics: tuple[Diagnostic, ...]) -> int:
    """Return the exit code for the diagnostics that stopped a command: the highest of their codes."""
    from keyturn.catalog import find_code

    errors = [diagnostic for diagnostic in diagnostics if diagnostic.severity is Severity.ERROR]
    return max((find_code(error.code).exit_code for error in errors), default=EXIT_ERROR)


@contextmanager
def error_boundary(color: bool) -> Iterator[None]:
    """Turn the exceptions of a command into messages and ``SystemExit``."""
    try:
        yield
    except ExitWith as ended:
        raise SystemExit(ended.code) from None
    except DiagnosticError as error:
        print_diagnostics(error.diagnostics, color)
        raise SystemExit(exit_code_of(error.diagnostics)) from None
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        raise SystemExit(EXIT_INTERRUPTED) from None
    except BrokenPipeError:
        # The reader has closed the pipe, as `head` does.
        raise SystemExit(EXIT_DONE) from None
    except (click.exceptions.Exit, click.ClickException, click.Abort, SystemExit):
        raise
    except Exception as error:  # noqa: BLE001  # every other error is a bug, and its text may hold a secret
        from keyturn.client.errors import ServiceError

        if isinstance(error, ServiceError):
            print_diagnostics((error.to_diagnostic(),), color)
            raise SystemExit(exit_code_of((error.to_diagnostic(),))) from None
        if isinstance(error, OSError) and error.errno in _DISK_ERRNOS:
            print_diagnostics((_disk_diagnostic(error),), color)
            raise SystemExit(EXIT_ERROR) from None
        click.echo(_format_crash(error), err=True)
        raise SystemExit(EXIT_BUG) from None


def print_diagnostics(diagnostics: tuple[Diagnostic, ...], color: bool) -> None:
    """Print diagnostics on stderr, and as JSON on stdout if the command prints JSON."""
    from keyturn.cli.environment import read_environment, stream_width, use_color
    from keyturn.views.diagnostics import render_diagnostics
    from keyturn.views.diagnostics.text import DiagnosticReport
    from keyturn.views.terminal import TerminalStyle

    ctx = click.get_current_context(silent=True)
    parameters = ctx.params if ctx else {}
    environment = read_environment()
    style = TerminalStyle(color and use_color(sys.stderr, environment), stream_width(sys.stderr, environment))
    texts = _find_excerpts(parameters.get("folder"), diagnostics)
    report = DiagnosticReport(diagnostics=diagnostics, texts=texts)
    click.echo(render_diagnostics(report, "stopped", style), err=True)
    if parameters.get("form") == "json":
        click.echo(render_diagnostics(report, "json").rstrip("\n"))


def _find_excerpts(folder: Path | None, diagnostics: tuple[Diagnostic, ...]) -> Mapping[str, str]:
    from keyturn.files.discovery import read_excerpts
    from keyturn.project.project import find_project_root

    try:
        return read_excerpts(find_project_root(folder), diagnostics) if folder else {}
    except DiagnosticError:
        return {}


def _disk_diagnostic(error: OSError) -> Diagnostic:
    return Diagnostic(
        code="KT045",
        severity=Severity.ERROR,
        message=f"a file cannot be read or written: {os.strerror(error.errno or 0)}",
        origin=SourceLocation(str(error.filename or "standard output")),
        hint="check the path, its permissions and the free disk space",
    )


def _format_crash(error: Exception) -> str:
    # The text of the error and local variables are left out: both may hold a secret.
    frames = traceback.extract_tb(error.__traceback__)
    where = "\n".join(
        f"  {frame.filename.rpartition('keyturn/')[2]}:{frame.lineno} in {frame.name}"
        for frame in frames[-8:]
    )
    return (
        f"error: keyturn {__version__} failed unexpectedly ({type(error).__name__})\n{where}\n"
        "  = this is a bug of keyturn; please report these lines; they contain no secret"
    )
