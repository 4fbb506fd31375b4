"""The approval that an apply names: a digest or a saved plan, compared before the first request and again."""

import sys
from collections.abc import Mapping
from typing import Any, NoReturn

import click

from keyturn.cli.environment import read_environment, stream_width, use_color
from keyturn.cli.plan_output import format_plan
from keyturn.git.file_history import read_file_versions
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import DiagnosticError, error_diagnostic
from keyturn.model.plan import (
    Plan,
    describe_moved_values,
    explain_digest,
    has_settings,
    is_approval_digest,
)
from keyturn.operations.apply.approval import find_approved_runs, list_unapproved
from keyturn.operations.plan.approval_inputs import find_key_id, list_approved_settings
from keyturn.operations.plan.offline_plan import access_changes_since
from keyturn.operations.plan.plan_file import SavedPlan, describe_differences, format_differences
from keyturn.operations.run_context import RunContext
from keyturn.project.project import PROJECT_FILE, parse_project
from keyturn.views.plan.review_diff import PlanRevision, render_changes_since_review
from keyturn.views.terminal import TerminalStyle

_REVIEW_HINT = "review the plan above: it differs from the approved one; then approve it"
_UNKNOWN_DIFFERENCE = "several operations, objects or manifests, or the options and consents of the command"
_SETTINGS_HINT = "run `keyturn plan` and have the new plan reviewed, or restore the approved settings"


class GivenApproval:
    """The approval of one apply; ``digest`` or ``saved`` is set, or neither if a person is asked."""

    def __init__(self, run: RunContext, digest: str, saved: SavedPlan | None, *, color: bool) -> None:
        self._run, self._saved, self._color = run, saved, color
        self._key_id = find_key_id(run.project, run.workspace, run.environment)
        self.digest = saved.plan.approval_digest() if saved else digest

    def require_same_settings(self) -> None:
        """Raise DiagnosticError (KT652) if a setting moved; sends no request and reads no key."""
        current = list_approved_settings(self._run.project, self._run.workspace, self._key_id)
        if self._saved:
            lines = describe_moved_values(self._saved.plan.approved_settings, current)
        elif self.digest and not is_approval_digest(self.digest):
            self._reject(f"{self.digest!a} is not a digest of this version of keyturn", _SETTINGS_HINT)
        elif self.digest and not has_settings(self.digest, current):
            lines = self._find_moved_settings(current)
        else:
            lines = ()
        if lines:
            self._reject(
                f"the settings moved since the approval: {format_differences(lines)}", _SETTINGS_HINT
            )

    def require_same_plan(self, plan: Plan) -> None:
        """Raise DiagnosticError (KT652) unless a plan is the approved one, or a rest of it."""
        if self._saved:
            self._print_changes_since_review(self._saved, plan)
        if not self.digest or self.digest == plan.approval_digest():
            return
        runs = find_approved_runs(self._run.store, self.digest)
        lines = list_unapproved(plan, runs) if runs else self._describe_moved_plan(plan)
        if runs and not lines:
            click.echo(
                f"An earlier run of {self.digest} did not finish: this run does what is left.", err=True
            )
            return
        if not self._saved:
            color = self._color and use_color(sys.stderr, read_environment())
            click.echo(format_plan(plan, "text", color), err=True)
        message = f"the plan is now {plan.approval_digest()}, not the one that was approved"
        self._reject(f"{message}: {format_differences(lines)}", _REVIEW_HINT)

    def _find_moved_settings(self, current: Mapping[str, Any]) -> tuple[str, ...]:
        for source in read_file_versions(self._run.root, PROJECT_FILE, self._run.environment):
            try:
                project = parse_project(source.data, self._run.root)
                workspace = project.find_workspace(self._run.workspace.name)
            except DiagnosticError:
                continue
            approved = list_approved_settings(project, workspace, self._key_id)
            if has_settings(self.digest, approved):
                return describe_moved_values(approved, current)
        return (
            f"no version of {PROJECT_FILE} in the git history has the approved ones",
            *(f"{name} is {current[name]}" for name in ("base_url", "organization", "state")),
        )

    def _describe_moved_plan(self, plan: Plan) -> tuple[str, ...]:
        if self._saved:
            then = self._saved.plan.digest_payload()
            return describe_differences(then, plan.digest_payload()) or ("the order of changes",)
        return (explain_digest(self.digest, plan.digest_payload()) or _UNKNOWN_DIFFERENCE,)

    def _print_changes_since_review(self, saved: SavedPlan, plan: Plan) -> None:
        run, surroundings = self._run, read_environment()
        moved = saved.commit and saved.commit != run.actor.commit
        found = access_changes_since(run.project, run.workspace, saved.commit, surroundings) if moved else ()
        access = tuple(each for each in found if each not in saved.plan.access_changes)
        style = TerminalStyle(
            self._color and use_color(sys.stderr, surroundings), stream_width(sys.stderr, surroundings)
        )
        sides = (PlanRevision(saved.plan, saved.commit), PlanRevision(plan, run.actor.commit))
        click.echo(render_changes_since_review(*sides, access, style).rstrip("\n"), err=True)

    def _reject(self, message: str, hint: str) -> NoReturn:
        where = SourceLocation("the saved plan" if self._saved else "approval")
        raise DiagnosticError(error_diagnostic("KT652", where, message, hint))
