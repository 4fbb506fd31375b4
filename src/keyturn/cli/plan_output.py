"""The output of plan, show and apply: the rendered plan, --fail-on, request statistics."""

import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import click

from keyturn.cli import exit_codes
from keyturn.cli.environment import read_environment
from keyturn.cli.errors import exit_code_of
from keyturn.client.records import RequestStats
from keyturn.model.change import Action
from keyturn.model.diagnostic import Cause
from keyturn.model.plan import Plan
from keyturn.operations.plan.offline_plan import plan_against_base, plan_against_state
from keyturn.operations.plan.plan import PlanOptions
from keyturn.project.project import open_project
from keyturn.views.plan import render_plan
from keyturn.views.terminal import TerminalStyle

PLAN_FAIL_ON_CLASSES: Mapping[str, Callable[[Plan], bool]] = {
    "exposure": lambda plan: any(change.exposures for change in plan.changes),
    "access": lambda plan: bool(plan.access_changes),
    "retire": lambda plan: plan.count_by_action()[Action.RETIRE] > 0,
    "replace": lambda plan: plan.count_by_action()[Action.REPLACE] > 0,
    "rotate": lambda plan: plan.count_by_action()[Action.ROTATE] > 0,
    "findings": lambda plan: bool(plan.diagnostics),
}


def format_plan(plan: Plan, form: str, color: bool) -> str:
    """Return a plan in an output format, without a trailing newline."""
    return render_plan(plan, form, TerminalStyle(color, shutil.get_terminal_size().columns)).rstrip("\n")


def parse_fail_on(classes: str) -> tuple[str, ...]:
    """Return the classes of --fail-on; raises UsageError for an unknown class."""
    found = tuple(each.strip() for each in classes.split(",") if each.strip())
    for each in found:
        if each not in PLAN_FAIL_ON_CLASSES:
            raise click.UsageError(f"--fail-on takes {', '.join(PLAN_FAIL_ON_CLASSES)}, not {each!a}")
    return found


def find_plan_exit_code(plan: Plan, classes: Iterable[str], *, is_detailed: bool) -> int:
    """Return the exit code of `keyturn plan`; ``classes`` are those of --fail-on.

    A plan that an apply would refuse has the exit code of that apply. Drift is no refusal: a partial plan
    is refused only for a secret that goes to a new destination.
    """
    blocking = plan.blocking_diagnostics
    if plan.partial:
        blocking = tuple(each for each in blocking if each.cause is Cause.NEW_DESTINATION)
    codes = [exit_code_of(blocking)] if blocking else []
    if any(PLAN_FAIL_ON_CLASSES[each](plan) for each in classes):
        codes.append(exit_codes.EXIT_REFUSED)
    if codes:
        return max(codes)
    waits = bool(plan.changes) if plan.partial else not plan.is_empty or plan.has_suspects
    return exit_codes.EXIT_CHANGES if is_detailed and waits else exit_codes.EXIT_DONE


def format_request_stats(stats: RequestStats) -> str:
    """Return the request statistics of a run in one line."""
    verbs = ", ".join(f"{count} {verb}" for verb, count in sorted(stats.by_operation.items()))
    waited = f", waited {stats.seconds_waited:.1f} s for the rate limit" if stats.seconds_waited else ""
    return f"requests: {stats.total_requests} ({verbs}; {stats.retries} repeated){waited}"


def run_offline_plan(
    folder: Path, workspace: str, plan_options: PlanOptions, base: str, state: Path | None
) -> Plan:
    """Return the plan against a base revision or an exported state; raises DiagnosticError."""
    project = open_project(folder)
    chosen = project.find_workspace(workspace)
    if state:
        return plan_against_state(project, chosen, plan_options, state, read_environment())
    return plan_against_base(project, chosen, plan_options, read_environment(), base)
