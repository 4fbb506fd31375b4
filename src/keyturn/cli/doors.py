"""The one door through which errors leave: sorted by who can fix them, each with its exit code."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click

from keyturn import __version__
from keyturn.cli import status
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.render.safe import plain

_INTEGRITY = tuple(f"KT{number}" for number in (25, 26, 27, 28, 29, 45, 46))
_CODES = {
    "KT031": status.REFUSED,
    "KT520": status.REFUSED,
    "KT606": status.STALE,
    "KT610": status.STALE,
    "KT611": status.STALE,
    "KT626": status.STALE,
    "KT650": status.REFUSED,
    "KT651": status.STALE,
    "KT652": status.STALE,
}


class Leave(Exception):  # noqa: N818
    """Raised by a command that has said what it had to say and ends with ``code``."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Shown:
    """How a finding is drawn on the error stream."""

    colour: bool

    def lines(self, finding: Diagnostic) -> Iterator[str]:
        """Yield a finding as lines: where, what, and what to do next."""
        word = finding.severity.name.lower()
        tone = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "blue"}[finding.severity]
        head = click.style(word, fg=tone, bold=True) if self.colour else word
        yield f"{head}[{finding.code}]: {plain(finding.message)}"
        yield f"  --> {plain(str(finding.origin))}"
        if finding.hint:
            yield f"  = {plain(finding.hint)}"


def code_of(findings: tuple[Diagnostic, ...]) -> int:
    """Return the exit code for findings that stopped the work: the gravest of them decides."""
    errors = [finding.code for finding in findings if finding.severity is Severity.ERROR]
    if any(code.startswith(_INTEGRITY) for code in errors):
        return status.REFUSED
    return max((_CODES.get(code, status.FAULT) for code in errors), default=status.FAULT)


@contextmanager
def doors(colour: bool) -> Iterator[None]:
    """Turn what comes out of a command into messages and ``SystemExit``."""
    from keyturn.api.errors import Denied, ServiceError

    try:
        yield
    except Leave as leave:
        raise SystemExit(leave.code) from None
    except Faulty as faulty:
        show(faulty.findings, colour)
        raise SystemExit(code_of(faulty.findings)) from None
    except Denied as denied:
        show((denied.finding(),), colour)
        raise SystemExit(status.DENIED) from None
    except ServiceError as error:
        show((error.finding(),), colour)
        raise SystemExit(status.FAULT) from None
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        raise SystemExit(status.INTERRUPTED) from None
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(status.DONE) from None
    except (click.exceptions.Exit, click.ClickException, SystemExit):
        raise
    except Exception as error:  # noqa: BLE001  # whatever it is, it leaves by this door
        click.echo(_report(error), err=True)
        raise SystemExit(status.BUG) from None


def show(findings: tuple[Diagnostic, ...], colour: bool) -> None:
    """Print findings on the error stream, a blank line between them."""
    drawn = Shown(colour)
    click.echo("\n\n".join("\n".join(drawn.lines(finding)) for finding in findings), err=True)


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
