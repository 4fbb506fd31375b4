"""The one door through which errors leave: sorted by who can fix them, each with its exit code."""

import errno
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from keyturn import __version__
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity

EXIT_DONE = 0
EXIT_ERROR = 1
EXIT_CHANGES = 2
EXIT_PARTIAL = 3
EXIT_STALE = 4
EXIT_REFUSED = 5
EXIT_UNAUTHORIZED = 6
EXIT_USAGE = 64
EXIT_BUG = 70
EXIT_INTERRUPTED = 130

_DISK_ERRNOS = frozenset(
    {
        errno.EACCES, errno.EDQUOT, errno.EEXIST, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOENT,
        errno.ENOSPC, errno.ENOTDIR, errno.EPERM, errno.EROFS,
    }
)  # fmt: skip


class ExitWith(Exception):  # noqa: N818
    """Raised by a command that has said what it had to say and ends with ``code``."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def exit_code_of(diagnostics: tuple[Diagnostic, ...]) -> int:
    """Return the exit code for findings that stopped the work: the gravest of them decides."""
    from keyturn.catalog import find_code

    errors = [finding for finding in diagnostics if finding.severity is Severity.ERROR]
    return max((find_code(error.code).exit_code for error in errors), default=EXIT_ERROR)


@contextmanager
def error_boundary(color: bool) -> Iterator[None]:
    """Turn what comes out of a command into messages and ``SystemExit``."""
    try:
        yield
    except ExitWith as leave:
        raise SystemExit(leave.code) from None
    except DiagnosticError as faulty:
        print_diagnostics(faulty.diagnostics, color)
        raise SystemExit(exit_code_of(faulty.diagnostics)) from None
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        raise SystemExit(EXIT_INTERRUPTED) from None
    except BrokenPipeError:
        # Whoever read has read enough.
        raise SystemExit(EXIT_DONE) from None
    except (click.exceptions.Exit, click.ClickException, click.Abort, SystemExit):
        raise
    except Exception as error:  # noqa: BLE001  # whatever it is, it leaves by this door
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
    """Print findings on the error stream, and as JSON on the other where that was asked for."""
    from keyturn.cli.environment import read_environment, stream_width, use_color
    from keyturn.views.diagnostics import render_diagnostics
    from keyturn.views.diagnostics.text import DiagnosticReport
    from keyturn.views.terminal import TerminalStyle

    ctx = click.get_current_context(silent=True)
    asked = ctx.params if ctx else {}
    surroundings = read_environment()
    style = TerminalStyle(
        color and use_color(sys.stderr, surroundings), stream_width(sys.stderr, surroundings)
    )
    found = DiagnosticReport(diagnostics=diagnostics, texts=_find_excerpts(asked.get("folder"), diagnostics))
    click.echo(render_diagnostics(found, "stopped", style), err=True)
    if asked.get("form") == "json":
        click.echo(render_diagnostics(found, "json").rstrip("\n"))


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
        hint="check the path, its rights and the room on the disk",
    )


def _format_crash(error: Exception) -> str:
    # Neither the text of the error nor any local: either could hold what must not be seen.
    frames = traceback.extract_tb(error.__traceback__)
    where = "\n".join(
        f"  {frame.filename.rpartition('keyturn/')[2]}:{frame.lineno} in {frame.name}"
        for frame in frames[-8:]
    )
    return (
        f"error: keyturn {__version__} met something it did not expect ({type(error).__name__})\n{where}\n"
        "  = this is a bug of keyturn; please report these lines, which hold no value of yours"
    )
