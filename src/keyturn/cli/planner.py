"""What plan, show and apply do alike: draw a plan, save one, judge it against --fail-on."""

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import click

from keyturn.core.change import Action
from keyturn.core.plan import Plan
from keyturn.engine.planning import Planned, Wish
from keyturn.engine.run import Run
from keyturn.engine.savedplan import saved
from keyturn.render.html import html
from keyturn.render.markdown import markdown
from keyturn.render.plan_json import gitlab_report, plan_json
from keyturn.render.style import Style
from keyturn.render.text import text
from keyturn.render.view import view

SUMMARY = 1_000_000
"""Bytes of a step summary; GitHub takes 1 MiB a step."""

PAGES: Mapping[str, Callable[[Plan], str]] = {
    "json": plan_json,
    "gitlab": gitlab_report,
    "markdown": lambda plan: markdown(view(plan)),
    "summary": lambda plan: markdown(view(plan), budget=SUMMARY),
    "html": lambda plan: html(view(plan)),
}

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
    if form == "text":
        return text(view(plan), Style(colour, shutil.get_terminal_size().columns)).rstrip("\n")
    return PAGES[form](plan).rstrip("\n")


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


def save(planned: Planned, wish: Wish, run: Run, target: Path) -> None:
    """Write a plan for a later apply, readable by its owner alone."""
    data = saved(planned, wish, run.clock.now(), run.author.commit)
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    aside.replace(target)
