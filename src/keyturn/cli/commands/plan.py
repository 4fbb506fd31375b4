"""keyturn plan: show what an apply would do."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from keyturn.cli import completion, exit_codes, options
from keyturn.cli.errors import error_boundary
from keyturn.cli.exit_codes import ExitWith

PLAN_FORMATS = ("text", "json", "markdown", "html", "summary", "gitlab")


def reject_ledger_option(_context: click.Context, _option: click.Parameter, value: str | None) -> None:
    """Raise UsageError, which names ``--state``, for the name of the option in keyturn 0.1."""
    if value is not None:
        message = "there is no option --ledger; use --state"
        raise click.UsageError(message)


@click.command("plan")
@options.workspace_option
@options.target_option
@options.reassert_option
@options.approval_options
@options.no_test_option
@options.chdir_option
@click.option("--format", "form", type=click.Choice(PLAN_FORMATS), default="text", help="Output format.")
@click.option(
    "--json-into",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also write the plan as JSON to FILE.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="Save the plan for `apply FILE`."
)
@click.option("--offline", is_flag=True, help="Use no key: compare the manifests with a base revision.")
@click.option(
    "--base",
    default="",
    metavar="REV",
    help="The base revision; by default the merge base with the target or default branch.",
)
@click.option(
    "--state",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="With --offline: compare with this exported state.",
)
@click.option(
    "--ledger",
    hidden=True,
    expose_value=False,
    is_eager=True,
    callback=reject_ledger_option,
    help="Renamed to --state.",
)
@click.option("--refresh-only", is_flag=True, help="Show only drift: changes made outside keyturn.")
@click.option(
    "--config-from",
    default="",
    metavar="REV",
    help="Read keyturn.yaml from this revision, not from the working tree.",
)
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit 2 when changes wait, or when a secret may have been changed outside keyturn.",
)
@click.option(
    "--fail-on",
    default="",
    metavar="CLASSES",
    shell_complete=completion.complete_plan_classes,
    help="Exit 5 for any of: exposure, access, retire, replace, rotate, findings (comma-separated).",
)
@click.pass_obj
def plan_command(color: bool, /, folder: Path, workspace: str, form: str, **chosen: Any) -> None:
    """Show what an apply would change.

    Compares the manifests with the live workspace and the state. Risks come first, then each change with
    its reason and impact. The plan contains no secret. Its digest is the argument of `keyturn apply
    --approve`. A plan that an apply would refuse exits as that apply, usually with 5, and has no digest.
    Nothing is written.

    \b
    Examples:
      keyturn plan -w prod --detailed-exitcode
      keyturn plan --out plan.kt && keyturn apply plan.kt
      keyturn plan --offline --format markdown --fail-on exposure,access
    """
    with error_boundary(color):
        from keyturn.cli.context import parse_plan_options
        from keyturn.cli.plan_output import (
            find_plan_exit_code,
            format_plan,
            parse_fail_on,
            run_offline_plan,
        )

        plan_options, classes = parse_plan_options(chosen), parse_fail_on(chosen["fail_on"])
        if chosen["offline"]:
            if chosen["out"]:
                raise click.UsageError("an offline plan cannot be saved, because it cannot be applied")
            plan = run_offline_plan(folder, workspace, plan_options, chosen["base"], chosen["state"])
        else:
            plan = _run_online_plan(folder, workspace, plan_options, form, chosen)
        if chosen["refresh_only"]:
            from keyturn.planning.drift import select_drift

            plan = select_drift(plan)
        if chosen["json_into"]:
            chosen["json_into"].write_text(format_plan(plan, "json", False) + "\n", "utf-8")
        click.echo(format_plan(plan, form, color))
        code = find_plan_exit_code(plan, classes, is_detailed=chosen["detailed_exitcode"])
        if code != exit_codes.EXIT_DONE:
            raise ExitWith(code)


def _run_online_plan(
    folder: Path, workspace: str, plan_options: Any, form: str, chosen: Mapping[str, Any]
) -> Any:
    from keyturn.cli.context import open_command_context, with_progress
    from keyturn.cli.plan_output import format_request_stats
    from keyturn.operations.plan.offline_plan import add_access_review
    from keyturn.operations.plan.plan import plan_workspace
    from keyturn.operations.plan.plan_file import save_plan

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
