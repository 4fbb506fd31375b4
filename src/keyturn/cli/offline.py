"""The doing of plan --offline: which workspace, and against what."""

from pathlib import Path

from keyturn.cli.surroundings import environment
from keyturn.core.plan import Plan
from keyturn.engine.keyless import plan_against_base, plan_against_ledger
from keyturn.engine.planning import Wish
from keyturn.load.project import open_project


def offline(folder: Path, workspace: str, wish: Wish, base: str, ledger: Path | None) -> Plan:
    """Return the plan against a base revision, or against an exported ledger; raises Faulty."""
    project = open_project(folder)
    chosen = project.workspace(workspace)
    if ledger:
        return plan_against_ledger(project, chosen, wish, ledger)
    return plan_against_base(project, chosen, wish, environment(), base)
