"""What a plan tells from git alone: no API key, no decryption key."""

from dataclasses import replace
from pathlib import Path

from keyturn.cli.surroundings import environment
from keyturn.core.plan import Plan
from keyturn.engine.access import with_access
from keyturn.engine.comparing import base_of, compare, reviewed
from keyturn.engine.exported import exported
from keyturn.engine.offline import against_ledger, plan_offline
from keyturn.engine.planning import Planned, Wish
from keyturn.engine.run import Run
from keyturn.load.desired import load
from keyturn.load.project import find_root, read_project


def offline(folder: Path, workspace: str, wish: Wish, base: str, ledger: Path | None) -> Plan:
    """Return the plan against a base revision, or against an exported ledger; raises Faulty."""
    project = read_project(find_root(folder))
    chosen = project.workspace(workspace)
    loaded = load(project, chosen)
    if ledger:
        sides = against_ledger(exported(ledger, chosen), loaded.desired)
        return plan_offline(project, chosen, sides, wish, (loaded.findings, ()))
    compared = compare(project, chosen, loaded, base_of(project, base, environment()))
    return plan_offline(project, chosen, compared.sides, wish, (loaded.findings, compared.access))


def with_review(planned: Planned, run: Run, base: str) -> Planned:
    """Return a plan of the live workspace with who gained or lost access in git; raises Faulty."""
    lines = reviewed(run.project, run.workspace, base, environment())
    return replace(planned, plan=with_access(planned.plan, lines))
