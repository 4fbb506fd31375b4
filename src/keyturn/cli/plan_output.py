"""What plan, show and apply do alike: draw a plan, judge it against --fail-on."""

import shutil
from collections.abc import Callable, Iterable, Mapping

import click

from keyturn.client.records import RequestStats
from keyturn.model.change import Action
from keyturn.model.plan import Plan
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
    """Return a plan in one of the forms, without a newline at its end."""
    return render_plan(plan, form, TerminalStyle(color, shutil.get_terminal_size().columns)).rstrip("\n")


def parse_fail_on(classes: str) -> tuple[str, ...]:
    """Return the classes of --fail-on; raises UsageError for one that there is not."""
    found = tuple(each.strip() for each in classes.split(",") if each.strip())
    for each in found:
        if each not in PLAN_FAIL_ON_CLASSES:
            raise click.UsageError(f"--fail-on takes {', '.join(PLAN_FAIL_ON_CLASSES)}, not {each!a}")
    return found


def has_failing_class(plan: Plan, classes: Iterable[str]) -> bool:
    """Tell whether the plan holds any of the classes."""
    return any(PLAN_FAIL_ON_CLASSES[each](plan) for each in classes)


def format_request_stats(figures: RequestStats) -> str:
    """Return in a line what a run asked of the service."""
    verbs = ", ".join(f"{count} {verb}" for verb, count in sorted(figures.by_operation.items()))
    waited = f", waited {figures.seconds_waited:.1f} s for the pace" if figures.seconds_waited else ""
    return f"requests: {figures.total_requests} ({verbs}; {figures.retries} repeated){waited}"
