"""A plan as JSON, shaped so that what people wrote for Terraform's works: jq, conftest, OPA.

``format_version`` follows Terraform's promise: a higher minor adds keys, a higher major breaks.
The schema is published as ``schemas/plan.schema.json``.
"""

from collections.abc import Mapping
from typing import Any, Final

from keyturn.core.change import ABSENT, Action, Change, Exposure, FieldChange, SecretState
from keyturn.core.fields import Fields, Leaf, Path, dotted, nest
from keyturn.core.plan import Impact, Plan, show
from keyturn.render.json_text import dumped, finding_tree, lined
from keyturn.render.values import bare, hidden
from keyturn.render.view import attention, counts, summary

FORMAT: Final = "1.0"

VERBS: Final[Mapping[Action, tuple[str, ...]]] = {
    Action.REPLACE: ("create", "delete"),
    Action.RETIRE: ("delete",),
    Action.ROTATE: ("update",),
    Action.RESTORE: ("create",),
    Action.RENAME: ("update",),
    Action.CREATE: ("create",),
    Action.UPDATE: ("update",),
    Action.ADOPT: ("no-op",),
    Action.FORGET: ("forget",),
    Action.NOTE: ("no-op",),
}
"""What each action is in Terraform's words; the exact one stands beside it as ``action``."""

_WRITTEN: Final = frozenset({SecretState.SET, SecretState.ROTATED, SecretState.REUSED})


def plan_json(plan: Plan) -> str:
    """Return the plan as one JSON document in ASCII, ending in a line feed."""
    return lined(tree(plan))


def gitlab_report(plan: Plan) -> str:
    """Return the counts that GitLab shows on a merge request (``artifacts:reports:terraform``)."""
    verbs = [verb for change in plan.changes for verb in _verbs(change)]
    return dumped({verb: verbs.count(verb) for verb in ("create", "update", "delete")})


def tree(plan: Plan) -> dict[str, Any]:
    """Return the plan as JSON values; there is no secret in it, and no digest of one."""
    digest = plan.digest()
    return {
        "format_version": FORMAT,
        "workspace": plan.workspace,
        "organization": plan.organization,
        "offline": plan.offline,
        "applyable": not plan.empty and not plan.blocked and not plan.offline,
        "resources": plan.resources,
        "summary": {**counts(plan), "attention": attention(plan), "line": summary(plan)},
        "resource_changes": [_change(change) for change in plan.changes],
        "secrets": [each for change in plan.changes for each in _secrets(change)],
        "exposures": [_exposure(each) for change in plan.changes for each in change.exposures],
        "access": [finding_tree(finding) for finding in plan.access],
        "impact": {str(address): _impact(reach) for address, reach in sorted(plan.impact.items())},
        "manual_steps": [
            {"address": str(change.address), "step": "authorize"}
            for change in plan.changes
            if change.is_consent_needed
        ],
        "approval": {
            "digest": digest,
            "workspace": plan.workspace,
            "organization": plan.organization,
            "requests": plan.requests,
            **({"pace": plan.pace} if plan.pace > 0 else {}),
        },
        "findings": [finding_tree(finding) for finding in plan.findings],
    }


def _verbs(change: Change) -> tuple[str, ...]:
    written = change.fields or any(secret.state in _WRITTEN for secret in change.secrets)
    return ("update",) if change.action is Action.ADOPT and written else VERBS[change.action]


def _change(change: Change) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "address": str(change.address),
        "mode": "managed",
        "kind": change.address.kind,
        "type": _type(change),
        "name": change.address.name,
        "action": change.action.value,
        "action_reason": change.why,
        "change": _sides(change),
        "fields": [_field(each) for each in change.fields],
        "depends_on": [str(address) for address in change.after],
        "precondition": {
            "id": change.live.id if change.live else None,
            "updated_at": change.expected or None,
        },
        "manifest": _manifest(change),
    }
    if change.renamed_from:
        resource["previous_address"] = f"{change.address.kind}/{change.renamed_from}"
    return resource


def _type(change: Change) -> str:
    sides = (change.desired, change.live, change.known)
    return next((side.type for side in sides if side), "")


def _manifest(change: Change) -> dict[str, Any] | None:
    if change.desired is None:
        return None
    return {"file": change.desired.origin.file, "sha256": change.desired.digest}


def _sides(change: Change) -> dict[str, Any]:
    before, after = _before(change), dict(change.desired.fields) if change.desired else {}
    wanted = [secret.path for secret in change.secrets if secret.state is not SecretState.CLEARED]
    held = [secret.path for secret in change.secrets if secret.state is not SecretState.SET]
    held = held if change.desired or change.known is None else sorted(change.known.fingerprints)
    sides: dict[str, Any] = {
        "actions": list(_verbs(change)),
        "before": _shown(before) if change.live or change.known else None,
        "after": _shown(after) if change.desired else None,
        "after_unknown": {},
        "before_sensitive": _marks(held, before),
        "after_sensitive": _marks(wanted, after),
    }
    if change.action is Action.ADOPT and change.live:
        sides["importing"] = {"id": change.live.id}
    return sides


def _before(change: Change) -> Fields:
    now = {field.path: field.live for field in change.fields if field.live != ABSENT}
    if change.desired is None:
        return {**(change.known.applied if change.known else {}), **now}
    # What did not change is live as it is wanted; what others keep in the object is not ours to show.
    added = {field.path for field in change.fields}
    same = {path: leaf for path, leaf in change.desired.fields.items() if path not in added}
    return {**same, **now} if change.live or change.known else {}


def _shown(fields: Fields) -> dict[str, object]:
    return nest({path: leaf_tree(path, leaf) for path, leaf in fields.items()})


def leaf_tree(path: Path, leaf: Leaf) -> object:
    """Return a leaf as a JSON value; null where it is absent or looks like a secret."""
    return None if hidden(path, leaf) else show(bare(leaf))


def _marks(secrets: list[Path], fields: Fields) -> dict[str, object]:
    marks: dict[Path, object] = {("secrets", *path): True for path in secrets}
    marks |= {path: True for path, leaf in fields.items() if hidden(path, leaf)}
    return nest(marks)


def _field(field: FieldChange) -> dict[str, object]:
    sides = {"applied": field.applied, "live": field.live, "wanted": field.wanted}
    veiled = [side for side, leaf in sides.items() if hidden(field.path, leaf)]
    return {
        "path": dotted(field.path),
        **{side: None if side in veiled else show(bare(leaf)) for side, leaf in sides.items()},
        "absent": [side for side, leaf in sides.items() if leaf == ABSENT],
        "hidden": bool(veiled),
        "drifted": field.drifted,
    }


def _secrets(change: Change) -> list[dict[str, object]]:
    ciphers = change.desired.ciphers if change.desired else {}
    return [
        {
            "address": str(change.address),
            "path": dotted(secret.path),
            "state": secret.state.value,
            "reason": secret.reason,
            "cipher_sha256": ciphers.get(secret.path),
        }
        for secret in change.secrets
    ]


def _exposure(exposure: Exposure) -> dict[str, object]:
    return {
        "address": str(exposure.address),
        "through": str(exposure.through),
        "path": dotted(exposure.path),
        "before": leaf_tree(exposure.path, exposure.before),
        "after": leaf_tree(exposure.path, exposure.after),
    }


def _impact(impact: Impact) -> dict[str, object]:
    return {
        "connections": impact.connections,
        "pipelines": impact.pipelines,
        "syncs": impact.syncs,
        "scheduled": impact.scheduled,
        "next_run": impact.next_run or None,
        "insiders": list(impact.insiders),
        "outsiders": list(impact.outsiders),
        "work": list(impact.work),
    }
