"""The doing of plan --offline: which workspace, and against what."""

from pathlib import Path

from keyturn.cli.surroundings import read_environment
from keyturn.core.plan import Plan
from keyturn.engine.keyless import plan_against_base, plan_against_state
from keyturn.engine.planning import PlanOptions
from keyturn.load.project import open_project


def run_offline_plan(folder: Path, workspace: str, wish: PlanOptions, base: str, state: Path | None) -> Plan:
    """Return the plan against a base revision, or against an exported ledger; raises Faulty."""
    project = open_project(folder)
    chosen = project.find_workspace(workspace)
    if state:
        return plan_against_state(project, chosen, wish, state)
    return plan_against_base(project, chosen, wish, read_environment(), base)
