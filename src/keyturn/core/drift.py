"""Drift alone: what moved without us, and not what git wants anew."""

from msgspec.structs import replace

from keyturn.core.change import Action, Change, SecretStatus
from keyturn.core.plan import Plan


def drift_only(plan: Plan) -> Plan:
    """Return the plan with only what was edited, renamed, deleted or saved outside keyturn."""
    kept = tuple(each for each in map(_drifted_part, plan.changes) if each)
    addresses = {change.address for change in kept}
    findings = tuple(each for each in plan.diagnostics if each.address in addresses)
    impact = {address: each for address, each in plan.impact.items() if address in addresses}
    return replace(plan, changes=kept, diagnostics=findings, impact=impact, access_changes=(), requests=0, partial=True)


def _drifted_part(change: Change) -> Change | None:
    known, live = change.entry, change.live
    if known is None or known.retired_at:
        return None
    fields = tuple(field for field in change.fields if field.has_drifted)
    secrets = tuple(each for each in change.secrets if each.status is SecretStatus.SUSPECT)
    gone = live is None or (live.status == "deleted" and change.action is Action.RESTORE)
    renamed = live is not None and live.address != known.address
    if not (fields or secrets or gone or renamed):
        return None
    return replace(change, fields=fields, secrets=secrets)
