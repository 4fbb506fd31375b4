"""One apply of the command line: confirmation, report and exit code."""

from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import click
from msgspec.structs import replace

from keyturn.cli import exit_codes, options
from keyturn.cli.apply_approval import GivenApproval
from keyturn.cli.context import open_command_context, parse_plan_options
from keyturn.cli.interrupts import InterruptHandler
from keyturn.cli.plan_output import format_plan, format_request_stats
from keyturn.cli.progress import ProgressDisplay
from keyturn.model.address import SourceLocation
from keyturn.model.change import ChangeOutcome, OutcomeStatus
from keyturn.model.diagnostic import DiagnosticError, error_diagnostic
from keyturn.operations.apply.session import ApplyOptions, ApplyReport, apply_plan
from keyturn.operations.plan.plan import PlanOptions, PlanResult
from keyturn.operations.plan.plan_file import SavedPlan, open_plan
from keyturn.operations.run_context import RunContext
from keyturn.operations.uncommitted import reject_uncommitted_files
from keyturn.views.reports.apply import render_apply_report
from keyturn.views.terminal import TerminalStyle


class ApplyRunner:
    """One apply of the command line."""

    def __init__(self, color: bool, chosen: dict[str, Any]) -> None:
        self._color, self._options = color, chosen

    def run_apply(self, folder: Path, workspace: str, planfile: Path | None) -> int:
        """Apply and return the exit code."""
        if planfile and self._options["approve"]:
            raise click.UsageError("a plan file is its own approval: omit --approve")
        if planfile and parse_plan_options(self._options) != PlanOptions():
            raise click.UsageError(
                "a plan file has its own targets, consents and --no-test: pass them to `keyturn plan --out`"
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
        approval = GivenApproval(run, self._options["approve"], saved, color=self._color)
        approval.require_same_settings()
        reject_uncommitted_files(run)
        with ProgressDisplay(self._options["form"]) as progress:
            apply_options = ApplyOptions(
                parallelism=self._options["parallelism"],
                approval=approval.digest,
                lock_timeout=self._options["lock_timeout"],
                deadline=self._options["deadline"],
                is_stopped=interrupts.is_stopped,
            )

            def confirm_plan(planned: PlanResult) -> bool:
                progress.pause()
                confirmed = self._confirm_plan(planned, approval, is_saved=bool(saved))
                interrupts.defer_interrupts()
                return confirmed

            return apply_plan(replace(run, progress=progress), plan_options, apply_options, confirm_plan)

    def _load_saved_plan(self, run: RunContext, planfile: Path) -> SavedPlan:
        saved = open_plan(run.project, run.environment, planfile, run.clock.now())
        theirs, ours = saved.plan.workspace, run.workspace.name
        if theirs != ours:
            _reject_saved_plan(f"this saved plan is for workspace {theirs}", "name it with --workspace")
        theirs, ours = saved.plan.organization, run.workspace.organization
        if theirs != ours:
            made = "create a new one with `keyturn plan --out FILE`, or correct keyturn.yaml"
            _reject_saved_plan(f"this saved plan is for organization {theirs}, not for {ours}", made)
        return saved

    def _confirm_plan(self, planned: PlanResult, approval: GivenApproval, *, is_saved: bool) -> bool:
        plan = planned.plan
        approval.require_same_plan(plan)
        if not is_saved and self._options["form"] == "text":
            click.echo(format_plan(plan, "text", self._color))
        if plan.blocking_diagnostics:
            raise DiagnosticError(*plan.blocking_diagnostics)
        if plan.is_empty or approval.digest or self._options["auto"]:
            return True
        return click.confirm("\nMake these changes?", default=False, err=True)

    def _print_report(self, report: ApplyReport, *, is_interrupted: bool) -> int:
        if not report.approved:
            click.echo("Nothing was changed.", err=True)
            return exit_codes.EXIT_ERROR
        with suppress(BrokenPipeError):  # the exit code still states the result
            form = self._options["form"]
            if report.outcomes or form == "json":
                drawn = render_apply_report(
                    report.plan,
                    report.outcomes,
                    form,
                    TerminalStyle(self._color),
                    uncommitted=report.uncommitted,
                )
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


def _reject_saved_plan(message: str, hint: str) -> NoReturn:
    raise DiagnosticError(error_diagnostic("KT650", SourceLocation("approval"), message, hint))
