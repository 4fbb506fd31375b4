"""What a plan tells from git alone, and what git tells beside a plan: no API key, no decryption key."""

from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from keyturn.core.plan import Plan
from keyturn.engine.access import with_access
from keyturn.engine.comparing import base_of, compare, reviewed
from keyturn.engine.exported import exported
from keyturn.engine.offline import against_ledger, plan_offline
from keyturn.engine.planning import Planned, Wish
from keyturn.engine.run import Run
from keyturn.load.desired import load
from keyturn.load.project import Project, Workspace


def plan_against_base(
    project: Project, workspace: Workspace, wish: Wish, environment: Mapping[str, str], base: str = ""
) -> Plan:
    """Return what git wants beside what it wanted at the revision ``base``, by default the fork point.

    Raises Faulty KT007 where git knows no such revision, and for manifests that are wrong.
    """
    loaded = load(project, workspace)
    compared = compare(project, workspace, loaded, base_of(project, base, environment))
    return plan_offline(project, workspace, compared.sides, wish, (loaded.findings, compared.access))


def plan_against_ledger(project: Project, workspace: Workspace, wish: Wish, ledger: Path) -> Plan:
    """Return what git wants beside what an exported ledger says; raises Faulty KT600 to KT602."""
    loaded = load(project, workspace)
    sides = against_ledger(exported(ledger, workspace), loaded.desired)
    return plan_offline(project, workspace, sides, wish, (loaded.findings, ()))


def with_review(run: Run, planned: Planned, base: str = "") -> Planned:
    """Return a plan with who gained or lost access in git since ``base``; raises Faulty KT007."""
    lines = reviewed(run.project, run.workspace, base, run.environment)
    return replace(planned, plan=with_access(planned.plan, lines))
