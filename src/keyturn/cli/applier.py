"""The doing of apply: what is asked, how an interrupt is taken, what is told at the end."""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, Self

import click

from keyturn.cli import options, status
from keyturn.cli.planner import draw
from keyturn.cli.progress import Progress, requests
from keyturn.cli.surroundings import coloured, environment
from keyturn.cli.wiring import open_run, wish
from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.core.outcome import Ending, Outcome
from keyturn.engine.opening import Opener
from keyturn.engine.planning import Planned
from keyturn.engine.run import Run
from keyturn.engine.savedplan import SavedPlan, agree, opened
from keyturn.engine.session import Report, Terms, carry_out
from keyturn.render.report import report_json, report_text
from keyturn.render.style import Style


class Interrupts:
    """Takes interrupts: at once while nothing is written, and gently from then on.

    Gently: the first one lets what is under way end, the second ends the process.
    """

    def __init__(self) -> None:
        self._count, self._gentle = 0, False

    def __enter__(self) -> Self:
        self._before = {
            number: signal.signal(number, self._heard) for number in (signal.SIGINT, signal.SIGTERM)
        }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def soften(self) -> None:
        """From now on something is written: what is under way is never torn."""
        self._gentle = True

    def stopped(self) -> bool:
        """Whether nothing new may begin."""
        return self._count > 0

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        if not self._gentle:
            raise KeyboardInterrupt
        self._count += 1
        if self._count > 1:
            # Every record of the journal is durable when it is acted upon, so there is nothing to save.
            os._exit(status.INTERRUPTED)
        os.write(
            2, b"interrupted: nothing new begins; what is under way is finished (again to leave at once)\n"
        )


class Applier:
    """One apply of the command line."""

    def __init__(self, colour: bool, chosen: dict[str, Any]) -> None:
        self._colour, self._chosen = colour, chosen

    def run(self, folder: Path, workspace: str, planfile: Path | None) -> int:
        """Apply and return the exit code."""
        run = open_run(folder, workspace)
        kept = self._kept(run, planfile) if planfile else None
        wanted = kept.wish if kept else wish(self._chosen)
        with Interrupts() as interrupts, Progress(self._colour, options.verbose()) as progress:
            terms = Terms(
                parallelism=self._chosen["parallelism"],
                tests=not self._chosen["no_test"],
                lock_timeout=self._chosen["lock_timeout"],
                deadline=self._chosen["deadline"],
                stopped=interrupts.stopped,
            )

            def decide(planned: Planned) -> bool:
                agreed = self._decide(planned, kept, progress)
                interrupts.soften()
                return agreed

            report = carry_out(run, wanted, terms, decide, progress)
        return self._tell(report)

    def _kept(self, run: Run, planfile: Path) -> SavedPlan:
        kept = opened(planfile.read_bytes(), Opener.of(run).root_key(), str(planfile), run.clock.now())
        if (kept.plan.workspace, kept.plan.organization) != (run.workspace.name, run.workspace.organization):
            _refuse(
                "KT650", f"this saved plan is for workspace {kept.plan.workspace}", "name it with --workspace"
            )
        return kept

    def _decide(self, planned: Planned, kept: SavedPlan | None, progress: Progress) -> bool:
        plan = planned.plan
        if kept:
            agree(kept.plan, plan, "the saved plan")
        approved = self._chosen["approve"]
        if approved and approved != plan.digest():
            click.echo(draw(plan, "text", self._colour and coloured(sys.stderr, environment())), err=True)
            _refuse(
                "KT652",
                f"the plan is now {plan.digest()}, not the one that was approved",
                "look at the plan above: something moved since the review; approve it anew",
            )
        if not kept and self._chosen["form"] == "text":
            progress.pause()
            click.echo(draw(plan, "text", self._colour))
        if plan.blocked:
            raise Faulty(*plan.blocked)
        if plan.empty or kept or approved or self._chosen["auto"]:
            return True
        return click.confirm("\nMake these changes?", default=False, err=True)

    def _tell(self, report: Report) -> int:
        if not report.agreed:
            click.echo("Nothing was changed.", err=True)
            return status.FAULT
        with suppress(BrokenPipeError):  # the exit code still tells what was done
            if self._chosen["form"] == "json":
                click.echo(report_json(report.plan, report.outcomes).rstrip("\n"))
            elif report.outcomes:
                click.echo(report_text(report.outcomes, Style(self._colour)).rstrip("\n"))
        if options.verbose() and report.figures:
            click.echo(requests(report.figures), err=True)
        return code_of(report)


def code_of(report: Report) -> int:
    """Return the exit code of an apply."""
    endings = {outcome.ending for outcome in report.outcomes}
    if report.denied:
        return status.DENIED
    if report.halted:
        return status.INTERRUPTED
    if endings <= {Ending.DONE}:
        return status.DONE
    if Ending.STALE in endings and not _failed(report.outcomes):
        return status.STALE
    return status.PARTIAL if endings & {Ending.DONE, Ending.UNSURE} else status.FAULT


def _failed(outcomes: tuple[Outcome, ...]) -> bool:
    return any(outcome.ending in {Ending.FAILED, Ending.UNSURE} for outcome in outcomes)


def _refuse(code: str, message: str, hint: str) -> None:
    raise Faulty(
        Diagnostic(code=code, severity=Severity.ERROR, message=message, origin=Origin("approval"), hint=hint)
    )
