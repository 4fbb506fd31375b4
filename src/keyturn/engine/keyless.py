"""What a plan tells from git alone, and what git tells beside a plan: no API key, no decryption key."""

from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from keyturn.core.plan import Plan
from keyturn.engine.access import add_access_diagnostics
from keyturn.engine.comparing import find_base_revision, compare_with_base, access_changes
from keyturn.engine.exported import read_exported_state
from keyturn.engine.offline import inputs_from_state, plan_offline
from keyturn.engine.planning import PlanResult, PlanOptions
from keyturn.engine.run import RunContext
from keyturn.load.desired import load_manifests
from keyturn.load.project import Project, Workspace


def plan_against_base(
    project: Project, workspace: Workspace, options: PlanOptions, environment: Mapping[str, str], base: str = ""
) -> Plan:
    """Return what git wants beside what it wanted at the revision ``base``, by default the fork point.

    Raises Faulty KT007 where git knows no such revision, and for manifests that are wrong.
    """
    loaded = load_manifests(project, workspace)
    compared = compare_with_base(project, workspace, loaded, find_base_revision(project, base, environment))
    return plan_offline(project, workspace, compared.inputs, options, (loaded.diagnostics, compared.access))


def plan_against_state(project: Project, workspace: Workspace, options: PlanOptions, state_file: Path) -> Plan:
    """Return what git wants beside what an exported ledger says; raises Faulty KT600 to KT602."""
    loaded = load_manifests(project, workspace)
    sides = inputs_from_state(read_exported_state(state_file, workspace), loaded.desired)
    return plan_offline(project, workspace, sides, options, (loaded.diagnostics, ()))


def add_access_review(run: RunContext, planned: PlanResult, base: str = "") -> PlanResult:
    """Return a plan with who gained or lost access in git since ``base``; raises Faulty KT007."""
    lines = access_changes(run.project, run.workspace, base, run.environment)
    return replace(planned, plan=add_access_diagnostics(planned.plan, lines))
