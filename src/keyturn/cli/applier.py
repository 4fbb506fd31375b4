"""The doing of apply: what is asked, how an interrupt is taken, what is told at the end."""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, Self

import click
from msgspec.structs import replace

from keyturn.cli import options, status
from keyturn.cli.figures import requests
from keyturn.cli.planner import draw
from keyturn.cli.progress import Progress
from keyturn.cli.surroundings import coloured, environment, width
from keyturn.cli.wiring import open_run, wish
from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.core.outcome import Ending, Outcome
from keyturn.engine.comparing import reviewed_since
from keyturn.engine.planning import Planned, Wish
from keyturn.engine.run import Run
from keyturn.engine.savedplan import SavedPlan, agree, open_plan
from keyturn.engine.session import Report, Terms, carry_out
from keyturn.render.report import draw_report
from keyturn.render.since import Side, since_text
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
        asked = wish(self._chosen)
        if planfile and asked != Wish():
            raise click.UsageError(
                "a plan file holds its own targets and consents: give them to `keyturn plan --out`"
            )
        run = open_run(folder, workspace)
        kept = self._kept(run, planfile) if planfile else None
        wanted = kept.wish if kept else asked
        with Interrupts() as interrupts, Progress(self._chosen["form"]) as progress:
            terms = Terms(
                parallelism=self._chosen["parallelism"],
                tests=not self._chosen["no_test"],
                lock_timeout=self._chosen["lock_timeout"],
                deadline=self._chosen["deadline"],
                stopped=interrupts.stopped,
            )

            def decide(planned: Planned) -> bool:
                progress.pause()
                if kept:
                    self._compare(run, kept, planned)
                agreed = self._decide(planned, kept)
                interrupts.soften()
                return agreed

            report = carry_out(replace(run, watch=progress), wanted, terms, decide)
        return self._tell(report)

    def _kept(self, run: Run, planfile: Path) -> SavedPlan:
        kept = open_plan(run.project, run.environment, planfile, run.clock.now())
        theirs, ours = kept.plan.workspace, run.workspace.name
        if theirs != ours:
            _refuse("KT650", f"this saved plan is for workspace {theirs}", "name it with --workspace")
        theirs, ours = kept.plan.organization, run.workspace.organization
        if theirs != ours:
            made = "make a new one with `keyturn plan --out FILE`, or correct keyturn.yaml"
            _refuse("KT650", f"this saved plan is for organization {theirs}, not for {ours}", made)
        return kept

    def _compare(self, run: Run, kept: SavedPlan, planned: Planned) -> None:
        commit, surroundings = run.author.commit, environment()
        moved = kept.commit and kept.commit != commit
        found = reviewed_since(run.project, run.workspace, kept.commit, surroundings) if moved else ()
        access = tuple(each for each in found if each not in kept.plan.access)
        style = Style(self._colour and coloured(sys.stderr, surroundings), width(sys.stderr, surroundings))
        sides = (Side(kept.plan, kept.commit), Side(planned.plan, commit))
        click.echo(since_text(*sides, access, style).rstrip("\n"), err=True)
        agree(kept.plan, planned.plan, "the saved plan")

    def _decide(self, planned: Planned, kept: SavedPlan | None) -> bool:
        plan = planned.plan
        approved = self._chosen["approve"]
        if approved and approved != plan.digest():
            click.echo(draw(plan, "text", self._colour and coloured(sys.stderr, environment())), err=True)
            _refuse(
                "KT652",
                f"the plan is now {plan.digest()}, not the one that was approved",
                "look at the plan above: something moved since the review; approve it anew",
            )
        if not kept and self._chosen["form"] == "text":
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
            form = self._chosen["form"]
            if report.outcomes or form == "json":
                drawn = draw_report(report.plan, report.outcomes, form, Style(self._colour))
                click.echo(drawn.rstrip("\n"))
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
