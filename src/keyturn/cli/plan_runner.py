"""One plan of the command line against the live workspace."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from keyturn.cli import options
from keyturn.cli.context import open_command_context, with_progress
from keyturn.cli.plan_output import format_request_stats
from keyturn.model.plan import Plan
from keyturn.operations.plan.offline_plan import add_access_review
from keyturn.operations.plan.plan import PlanOptions, plan_workspace
from keyturn.operations.plan.plan_file import save_plan


def run_online_plan(
    folder: Path, workspace: str, plan_options: PlanOptions, form: str, chosen: Mapping[str, Any]
) -> Plan:
    """Return the plan against the live workspace, and save it if ``chosen`` has ``out``.

    ``form`` is the output format, ``chosen`` the other options of the command. Raises DiagnosticError.
    """
    run = open_command_context(folder, workspace, config_from=chosen["config_from"])
    with with_progress(run, "plan", form) as displayed:
        planned = add_access_review(run, plan_workspace(displayed, plan_options), chosen["base"])
    arguments = (*options.list_folder_arguments(), *planned.plan.command_options)
    planned = replace(planned, plan=replace(planned.plan, command_options=arguments))
    if options.is_verbose():
        click.echo(format_request_stats(run.service.request_stats), err=True)
    if chosen["out"]:
        save_plan(run, planned, plan_options, chosen["out"])
    return planned.plan
