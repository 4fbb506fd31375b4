"""One apply of the command line: confirmation, report and exit code."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from keyturn.cli import exit_codes, options
from keyturn.cli.context import open_command_context, parse_plan_options
from keyturn.cli.environment import read_environment, stream_width, use_color
from keyturn.cli.interrupts import InterruptHandler
from keyturn.cli.plan_output import format_plan, format_request_stats
from keyturn.cli.progress import ProgressDisplay
from keyturn.model.address import SourceLocation
from keyturn.model.change import ChangeOutcome, OutcomeStatus
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.operations.apply.session import ApplyOptions, ApplyReport, apply_plan
from keyturn.operations.plan.offline_plan import access_changes_since
from keyturn.operations.plan.plan import PlanOptions, PlanResult
from keyturn.operations.plan.plan_file import SavedPlan, open_plan, require_same_plan
from keyturn.operations.run_context import RunContext
from keyturn.views.plan.review_diff import PlanRevision, render_changes_since_review
from keyturn.views.reports.apply import render_apply_report
from keyturn.views.terminal import TerminalStyle


class ApplyRunner:
    """One apply of the command line."""

    def __init__(self, color: bool, chosen: dict[str, Any]) -> None:
        self._color, self._options = color, chosen

    def run_apply(self, folder: Path, workspace: str, planfile: Path | None) -> int:
        """Apply and return the exit code."""
        if planfile and parse_plan_options(self._options) != PlanOptions():
            raise click.UsageError(
                "a plan file has its own targets and approvals: pass them to `keyturn plan --out`"
            )
        with InterruptHandler() as interrupts:
            report = self._apply_interruptibly(folder, workspace, planfile, interrupts)
        return self._print_report(report, is_interrupted=interrupts.is_stopped())

    def _apply_interruptibly(
        self, folder: Path, workspace: str, planfile: Path | None, interrupts: InterruptHandler
    ) -> ApplyReport:
        run = open_command_context(folder, workspace, sleep=interrupts.sleep)
        saved = self._load_saved_plan(run, planfile) if planfile else None
        plan_options = saved.options if saved else parse_plan_options(self._options)
        with ProgressDisplay(self._options["form"]) as progress:
            apply_options = ApplyOptions(
                parallelism=self._options["parallelism"],
                tests=not self._options["no_test"],
                lock_timeout=self._options["lock_timeout"],
                deadline=self._options["deadline"],
                is_stopped=interrupts.is_stopped,
            )

            def confirm_plan(planned: PlanResult) -> bool:
                progress.pause()
                if saved:
                    self._compare_with_saved(run, saved, planned)
                confirmed = self._confirm_plan(planned, saved)
                interrupts.defer_interrupts()
                return confirmed

            return apply_plan(replace(run, progress=progress), plan_options, apply_options, confirm_plan)

    def _load_saved_plan(self, run: RunContext, planfile: Path) -> SavedPlan:
        kept = open_plan(run.project, run.environment, planfile, run.clock.now())
        theirs, ours = kept.plan.workspace, run.workspace.name
        if theirs != ours:
            _reject_approval(
                "KT650", f"this saved plan is for workspace {theirs}", "name it with --workspace"
            )
        theirs, ours = kept.plan.organization, run.workspace.organization
        if theirs != ours:
            made = "create a new one with `keyturn plan --out FILE`, or correct keyturn.yaml"
            _reject_approval("KT650", f"this saved plan is for organization {theirs}, not for {ours}", made)
        return kept

    def _compare_with_saved(self, run: RunContext, kept: SavedPlan, planned: PlanResult) -> None:
        commit, surroundings = run.actor.commit, read_environment()
        moved = kept.commit and kept.commit != commit
        found = access_changes_since(run.project, run.workspace, kept.commit, surroundings) if moved else ()
        access = tuple(each for each in found if each not in kept.plan.access_changes)
        style = TerminalStyle(
            self._color and use_color(sys.stderr, surroundings), stream_width(sys.stderr, surroundings)
        )
        sides = (PlanRevision(kept.plan, kept.commit), PlanRevision(planned.plan, commit))
        click.echo(render_changes_since_review(*sides, access, style).rstrip("\n"), err=True)
        require_same_plan(kept.plan, planned.plan, "the saved plan")

    def _confirm_plan(self, planned: PlanResult, kept: SavedPlan | None) -> bool:
        plan = planned.plan
        approved = self._options["approve"]
        if approved and approved != plan.approval_digest():
            click.echo(
                format_plan(plan, "text", self._color and use_color(sys.stderr, read_environment())), err=True
            )
            _reject_approval(
                "KT652",
                f"the plan is now {plan.approval_digest()}, not the one that was approved",
                "review the plan above: it differs from the approved one; then approve it",
            )
        if not kept and self._options["form"] == "text":
            click.echo(format_plan(plan, "text", self._color))
        if plan.blocking_diagnostics:
            raise DiagnosticError(*plan.blocking_diagnostics)
        if plan.is_empty or kept or approved or self._options["auto"]:
            return True
        return click.confirm("\nMake these changes?", default=False, err=True)

    def _print_report(self, report: ApplyReport, *, is_interrupted: bool) -> int:
        if not report.approved:
            click.echo("Nothing was changed.", err=True)
            return exit_codes.EXIT_ERROR
        with suppress(BrokenPipeError):  # the exit code still states the result
            form = self._options["form"]
            if report.outcomes or form == "json":
                drawn = render_apply_report(report.plan, report.outcomes, form, TerminalStyle(self._color))
                click.echo(drawn.rstrip("\n"))
        if options.is_verbose() and report.request_stats:
            click.echo(format_request_stats(report.request_stats), err=True)
        return apply_exit_code(report, is_interrupted=is_interrupted)


def apply_exit_code(report: ApplyReport, *, is_interrupted: bool = False) -> int:
    """Return the exit code of an apply; an interrupt counts only if a change did not finish."""
    statuses = {outcome.outcome_status for outcome in report.outcomes}
    if report.unauthorized:
        return exit_codes.EXIT_UNAUTHORIZED
    if report.stopped or (is_interrupted and statuses - {OutcomeStatus.DONE}):
        return exit_codes.EXIT_INTERRUPTED
    if statuses <= {OutcomeStatus.DONE}:
        return exit_codes.EXIT_DONE
    if OutcomeStatus.STALE in statuses and not _has_failures(report.outcomes):
        return exit_codes.EXIT_STALE
    return (
        exit_codes.EXIT_PARTIAL
        if statuses & {OutcomeStatus.DONE, OutcomeStatus.UNKNOWN}
        else exit_codes.EXIT_ERROR
    )


def _has_failures(outcomes: tuple[ChangeOutcome, ...]) -> bool:
    return any(
        outcome.outcome_status in {OutcomeStatus.FAILED, OutcomeStatus.UNKNOWN} for outcome in outcomes
    )


def _reject_approval(code: str, message: str, hint: str) -> None:
    raise DiagnosticError(
        Diagnostic(
            code=code, severity=Severity.ERROR, message=message, origin=SourceLocation("approval"), hint=hint
        )
    )
