"""A plan as JSON, compatible with tools for Terraform plans: jq, conftest, OPA.

``format_version`` follows Terraform's promise: a higher minor adds keys, a higher major breaks. The
schema is ``schemas/plan.schema.json``.
"""

from collections.abc import Mapping
from typing import Any, Final

from keyturn.model.change import MISSING, Action, Change, Exposure, FieldChange, SecretStatus
from keyturn.model.fields import FieldPath, Fields, Leaf, format_path, mask_path, nest_fields
from keyturn.model.plan import Impact, Plan, PlanBase, to_json_value
from keyturn.views.json_output import diagnostic_to_json, dump_lines, dump_pretty
from keyturn.views.plan.builder import (
    count_actions,
    count_attention,
    format_plan_summary,
    list_next_steps,
)
from keyturn.views.values import is_hidden, strip_userinfo

PLAN_FORMAT_VERSION: Final = "1.0"

TERRAFORM_ACTIONS: Final[Mapping[Action, tuple[str, ...]]] = {
    Action.REPLACE: ("create", "delete"),
    Action.RETIRE: ("delete",),
    Action.ROTATE: ("update",),
    Action.RESTORE: ("create",),
    Action.RENAME: ("update",),
    Action.CREATE: ("create",),
    Action.UPDATE: ("update",),
    Action.ADOPT: ("no-op",),
    Action.FORGET: ("forget",),
    Action.NO_OP: ("no-op",),
}
"""The Terraform actions of each action; the JSON has the exact one as ``action``."""

_WRITTEN_STATUSES: Final = frozenset({SecretStatus.SET, SecretStatus.ROTATED, SecretStatus.REUSED})


def render_plan_json(plan: Plan) -> str:
    """Return the plan as one JSON document in ASCII, ending in a line feed."""
    return dump_lines(build_plan_document(plan))


def render_gitlab_report(plan: Plan) -> str:
    """Return the counts of a merge request in GitLab (``artifacts:reports:terraform``)."""
    verbs = [verb for change in plan.changes for verb in _to_terraform_actions(change)]
    return dump_pretty({verb: verbs.count(verb) for verb in ("create", "update", "delete")})


def build_plan_document(plan: Plan) -> dict[str, Any]:
    """Return the plan as JSON values, without secrets and digests of secrets."""
    return {
        "format_version": PLAN_FORMAT_VERSION,
        "workspace": plan.workspace,
        "organization": plan.organization,
        "offline": plan.offline,
        **({"base": _base_to_json(plan.base)} if plan.base else {}),
        "applyable": plan.is_approvable and not plan.is_empty,
        "resources": plan.resources,
        "summary": {
            **count_actions(plan),
            "attention": count_attention(plan),
            "line": format_plan_summary(plan),
        },
        "resource_changes": [_change_to_json(change) for change in plan.changes],
        "secrets": [each for change in plan.changes for each in _secrets_to_json(change)],
        "exposures": [_exposure_to_json(each) for change in plan.changes for each in change.exposures],
        "access": [diagnostic_to_json(diagnostic) for diagnostic in plan.access_changes],
        "impact": {str(address): _impact_to_json(impact) for address, impact in sorted(plan.impact.items())},
        "manual_steps": [
            {"address": str(change.address), "step": "authorize"}
            for change in plan.changes
            if change.is_consent_needed
        ],
        "approval": {
            "digest": plan.approval_digest() if plan.is_approvable else None,
            "options": list(plan.inputs.options),
            "next_steps": list(list_next_steps(plan)),
            "workspace": plan.workspace,
            "organization": plan.organization,
            "requests": plan.requests,
            **({"pace": plan.requests_per_second} if plan.requests_per_second > 0 else {}),
        },
        "findings": [diagnostic_to_json(diagnostic) for diagnostic in plan.diagnostics],
    }


def _base_to_json(base: PlanBase) -> dict[str, object]:
    return {
        "commit": base.commit,
        "revision": base.revision,
        "reason": base.reason,
        "variable": base.variable or None,
        "notes": list(base.notes),
    }


def _to_terraform_actions(change: Change) -> tuple[str, ...]:
    written = change.fields or any(secret.status in _WRITTEN_STATUSES for secret in change.secrets)
    return ("update",) if change.action is Action.ADOPT and written else TERRAFORM_ACTIONS[change.action]


def _change_to_json(change: Change) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "address": str(change.address),
        "mode": "managed",
        "kind": change.address.kind,
        "type": _find_type(change),
        "name": change.address.name,
        "action": change.action.value,
        "action_reason": change.reason,
        "change": _sides_to_json(change),
        "fields": [_field_to_json(each) for each in change.fields],
        "depends_on": [str(address) for address in change.depends_on],
        "precondition": {
            "id": change.live.id if change.live else None,
            "updated_at": change.expected_updated_at or None,
        },
        "manifest": _manifest_to_json(change),
    }
    if change.renamed_from:
        resource["previous_address"] = f"{change.address.kind}/{change.renamed_from}"
    return resource


def _find_type(change: Change) -> str:
    sides = (change.desired, change.live, change.entry)
    return next((side.type for side in sides if side), "")


def _manifest_to_json(change: Change) -> dict[str, Any] | None:
    if change.desired is None:
        return None
    return {"file": change.desired.origin.file, "sha256": change.desired.digest}


def _sides_to_json(change: Change) -> dict[str, Any]:
    before, after = _fields_before(change), dict(change.desired.fields) if change.desired else {}
    desired = [secret.path for secret in change.secrets if secret.status is not SecretStatus.CLEARED]
    stored = [secret.path for secret in change.secrets if secret.status is not SecretStatus.SET]
    stored = stored if change.desired or change.entry is None else sorted(change.entry.fingerprints)
    sides: dict[str, Any] = {
        "actions": list(_to_terraform_actions(change)),
        "before": _fields_to_json(before) if change.live or change.entry else None,
        "after": _fields_to_json(after) if change.desired else None,
        "after_unknown": {},
        "before_sensitive": _mark_sensitive(stored, before),
        "after_sensitive": _mark_sensitive(desired, after),
    }
    if change.action is Action.ADOPT and change.live:
        sides["importing"] = {"id": change.live.id}
    return sides


def _fields_before(change: Change) -> Fields:
    now = {field.path: field.live for field in change.fields if field.live != MISSING}
    if change.desired is None:
        return {**(change.entry.applied if change.entry else {}), **now}
    # An unchanged field has the desired value. Fields that no manifest sets are not shown.
    changed = {field.path for field in change.fields}
    same = {path: leaf for path, leaf in change.desired.fields.items() if path not in changed}
    return {**same, **now} if change.live or change.entry else {}


def _fields_to_json(fields: Fields) -> dict[str, object]:
    return nest_fields({path: leaf_to_json(path, leaf) for path, leaf in fields.items()})


def leaf_to_json(path: FieldPath, leaf: Leaf) -> object:
    """Return a leaf as a JSON value; null where it is absent or looks like a secret."""
    return None if is_hidden(path, leaf) else to_json_value(strip_userinfo(leaf))


def _mark_sensitive(secrets: list[FieldPath], fields: Fields) -> dict[str, object]:
    marks: dict[FieldPath, object] = {("secrets", *path): True for path in secrets}
    marks |= {path: True for path, leaf in fields.items() if is_hidden(path, leaf)}
    return nest_fields(marks)


def _field_to_json(field: FieldChange) -> dict[str, object]:
    sides = {"applied": field.applied, "live": field.live, "wanted": field.desired}
    hidden = [side for side, leaf in sides.items() if is_hidden(field.path, leaf)]
    return {
        "path": format_path(field.path),
        **{
            side: None if side in hidden else to_json_value(strip_userinfo(leaf))
            for side, leaf in sides.items()
        },
        "absent": [side for side, leaf in sides.items() if leaf == MISSING],
        "hidden": bool(hidden),
        "drifted": field.has_drifted,
    }


def _secrets_to_json(change: Change) -> list[dict[str, object]]:
    ciphers = change.desired.ciphertext_digests if change.desired else {}
    return [
        {
            "address": str(change.address),
            "path": mask_path(secret.path),
            "state": secret.status.value,
            "reason": secret.reason,
            "cipher_sha256": ciphers.get(secret.path),
        }
        for secret in change.secrets
    ]


def _exposure_to_json(exposure: Exposure) -> dict[str, object]:
    return {
        "address": str(exposure.address),
        "through": str(exposure.through),
        "path": format_path(exposure.path),
        "before": leaf_to_json(exposure.path, exposure.before),
        "after": leaf_to_json(exposure.path, exposure.after),
    }


def _impact_to_json(impact: Impact) -> dict[str, object]:
    return {
        "connections": impact.connections,
        "pipelines": impact.pipelines,
        "syncs": impact.syncs,
        "scheduled": impact.scheduled,
        "next_run": impact.next_run or None,
        "insiders": list(impact.managed_connections),
        "outsiders": list(impact.unmanaged_connections),
        "work": list(impact.downstream),
    }
