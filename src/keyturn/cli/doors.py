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
from keyturn.cli import status
from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity

_DISK = frozenset(
    {
        errno.EACCES, errno.EDQUOT, errno.EEXIST, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOENT,
        errno.ENOSPC, errno.ENOTDIR, errno.EPERM, errno.EROFS,
    }
)  # fmt: skip


class Leave(Exception):  # noqa: N818
    """Raised by a command that has said what it had to say and ends with ``code``."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def code_of(findings: tuple[Diagnostic, ...]) -> int:
    """Return the exit code for findings that stopped the work: the gravest of them decides."""
    from keyturn.catalog import find_code

    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    return max((find_code(error.code).exit_code for error in errors), default=status.FAULT)


@contextmanager
def doors(colour: bool) -> Iterator[None]:
    """Turn what comes out of a command into messages and ``SystemExit``."""
    try:
        yield
    except Leave as leave:
        raise SystemExit(leave.code) from None
    except Faulty as faulty:
        show(faulty.findings, colour)
        raise SystemExit(code_of(faulty.findings)) from None
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        raise SystemExit(status.INTERRUPTED) from None
    except BrokenPipeError:
        # Whoever read has read enough.
        raise SystemExit(status.DONE) from None
    except (click.exceptions.Exit, click.ClickException, click.Abort, SystemExit):
        raise
    except Exception as error:  # noqa: BLE001  # whatever it is, it leaves by this door
        from keyturn.api.errors import ServiceError

        if isinstance(error, ServiceError):
            show((error.finding(),), colour)
            raise SystemExit(code_of((error.finding(),))) from None
        if isinstance(error, OSError) and error.errno in _DISK:
            show((_of_disk(error),), colour)
            raise SystemExit(status.FAULT) from None
        click.echo(_report(error), err=True)
        raise SystemExit(status.BUG) from None


def show(findings: tuple[Diagnostic, ...], colour: bool) -> None:
    """Print findings on the error stream, and as JSON on the other where that was asked for."""
    from keyturn.cli.surroundings import coloured, environment, width
    from keyturn.render.finding_forms import draw_findings
    from keyturn.render.findings import Findings
    from keyturn.render.style import Style

    ctx = click.get_current_context(silent=True)
    asked = ctx.params if ctx else {}
    surroundings = environment()
    style = Style(colour and coloured(sys.stderr, surroundings), width(sys.stderr, surroundings))
    found = Findings(found=findings, texts=_texts(asked.get("folder"), findings))
    click.echo(draw_findings(found, "stopped", style), err=True)
    if asked.get("form") == "json":
        click.echo(draw_findings(found, "json").rstrip("\n"))


def _texts(folder: Path | None, findings: tuple[Diagnostic, ...]) -> Mapping[str, str]:
    from keyturn.load.excerpts import texts
    from keyturn.load.project import find_root

    try:
        return texts(find_root(folder), findings) if folder else {}
    except Faulty:
        return {}


def _of_disk(error: OSError) -> Diagnostic:
    return Diagnostic(
        code="KT045",
        severity=Severity.ERROR,
        message=f"a file cannot be read or written: {os.strerror(error.errno or 0)}",
        origin=Origin(str(error.filename or "standard output")),
        hint="check the path, its rights and the room on the disk",
    )


def _report(error: Exception) -> str:
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
