"""The promised API: what programs import. docs/reference/library.md says what each name promises."""

from keyturn.client.errors import ServiceError
from keyturn.files.discovery import read_excerpts
from keyturn.model.address import Address
from keyturn.model.change import Action, Change, ChangeOutcome, OutcomeStatus
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.model.plan import Plan
from keyturn.operations.apply.session import ApplyOptions, ApplyReport, apply_plan
from keyturn.operations.diff_workspaces import compare_workspaces
from keyturn.operations.doctor.service_checks import run_doctor
from keyturn.operations.import_resources import ImportOptions, import_resources
from keyturn.operations.plan.offline_plan import (
    access_changes_since,
    add_access_review,
    plan_against_base,
    plan_against_state,
)
from keyturn.operations.plan.plan import PlanOptions, PlanResult, plan_workspace
from keyturn.operations.plan.plan_file import SavedPlan, open_plan, require_same_plan, save_plan
from keyturn.operations.plan.validate import ValidationResult, validate_project
from keyturn.operations.progress import PeriodicTimer, ProgressListener
from keyturn.operations.pull_drift import PullOptions, pull_drift
from keyturn.operations.revoke import find_credential, purge_retired, revoke_credential
from keyturn.operations.run_context import RunContext, open_client, open_run_context
from keyturn.operations.secrets.secret_writer import WrittenSecret
from keyturn.operations.secrets.set_secret import list_secret_fields, reseal_credential, set_secret
from keyturn.operations.setup.init_repository import init_repository, list_age_recipients
from keyturn.operations.setup.init_templates import InitOptions
from keyturn.operations.test_connections import FailureBudget, run_test_session
from keyturn.operations.usage_report import build_usage_report
from keyturn.planning.inputs import Approvals
from keyturn.project.project import Project, Workspace, find_project_root, open_project
from keyturn.project.workspace_key import SealAuthor
from keyturn.views.diagnostics import render_diagnostics
from keyturn.views.diagnostics.text import DiagnosticReport
from keyturn.views.escaping import escape_line
from keyturn.views.json_output import neutralize_json
from keyturn.views.plan import render_plan
from keyturn.views.plan.review_diff import PlanRevision, render_changes_since_review
from keyturn.views.reports.apply import render_apply_report
from keyturn.views.reports.connection_tests import render_connection_tests
from keyturn.views.reports.doctor import render_doctor_report
from keyturn.views.reports.import_ import render_import
from keyturn.views.reports.pull import render_pull
from keyturn.views.reports.usage import render_usage
from keyturn.views.reports.workspace_diff import render_workspace_diff
from keyturn.views.terminal import TerminalStyle

__all__ = [
    "Action",
    "Address",
    "ApplyOptions",
    "ApplyReport",
    "Approvals",
    "Change",
    "ChangeOutcome",
    "Diagnostic",
    "DiagnosticError",
    "DiagnosticReport",
    "FailureBudget",
    "ImportOptions",
    "InitOptions",
    "OutcomeStatus",
    "PeriodicTimer",
    "Plan",
    "PlanOptions",
    "PlanResult",
    "PlanRevision",
    "ProgressListener",
    "Project",
    "PullOptions",
    "RunContext",
    "SavedPlan",
    "SealAuthor",
    "ServiceError",
    "Severity",
    "TerminalStyle",
    "ValidationResult",
    "Workspace",
    "WrittenSecret",
    "access_changes_since",
    "add_access_review",
    "apply_plan",
    "build_usage_report",
    "compare_workspaces",
    "escape_line",
    "find_credential",
    "find_project_root",
    "import_resources",
    "init_repository",
    "list_age_recipients",
    "list_secret_fields",
    "neutralize_json",
    "open_client",
    "open_plan",
    "open_project",
    "open_run_context",
    "plan_against_base",
    "plan_against_state",
    "plan_workspace",
    "pull_drift",
    "purge_retired",
    "read_excerpts",
    "render_apply_report",
    "render_changes_since_review",
    "render_connection_tests",
    "render_diagnostics",
    "render_doctor_report",
    "render_import",
    "render_plan",
    "render_pull",
    "render_usage",
    "render_workspace_diff",
    "require_same_plan",
    "reseal_credential",
    "revoke_credential",
    "run_doctor",
    "run_test_session",
    "save_plan",
    "set_secret",
    "validate_project",
]
