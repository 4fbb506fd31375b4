"""What plan, show and apply do alike: draw a plan, judge it against --fail-on."""

import shutil
from collections.abc import Callable, Iterable, Mapping

import click

from keyturn.core.change import Action
from keyturn.core.plan import Plan
from keyturn.render.plan_forms import draw_plan
from keyturn.render.style import Style

CLASSES: Mapping[str, Callable[[Plan], bool]] = {
    "exposure": lambda plan: any(change.exposures for change in plan.changes),
    "access": lambda plan: bool(plan.access),
    "retire": lambda plan: plan.counts()[Action.RETIRE] > 0,
    "replace": lambda plan: plan.counts()[Action.REPLACE] > 0,
    "rotate": lambda plan: plan.counts()[Action.ROTATE] > 0,
    "findings": lambda plan: bool(plan.findings),
}


def draw(plan: Plan, form: str, colour: bool) -> str:
    """Return a plan in one of the forms, without a newline at its end."""
    return draw_plan(plan, form, Style(colour, shutil.get_terminal_size().columns)).rstrip("\n")


def named(classes: str) -> tuple[str, ...]:
    """Return the classes of --fail-on; raises UsageError for one that there is not."""
    found = tuple(each.strip() for each in classes.split(",") if each.strip())
    for each in found:
        if each not in CLASSES:
            raise click.UsageError(f"--fail-on takes {', '.join(CLASSES)}, not {each!a}")
    return found


def fails_on(plan: Plan, classes: Iterable[str]) -> bool:
    """Tell whether the plan holds any of the classes."""
    return any(CLASSES[each](plan) for each in classes)
