"""Drift: changes made outside keyturn, and which of them may be written to the manifests."""

from collections.abc import Collection

from msgspec import Struct
from msgspec.structs import replace

from keyturn.model.address import Address
from keyturn.model.change import MISSING, Action, Change, FieldChange, SecretStatus
from keyturn.model.fields import FieldPath, Leaf, values_equal
from keyturn.model.plan import Plan
from keyturn.model.resource import DesiredResource, LiveObject
from keyturn.model.results import SkippedField
from keyturn.model.secret_detection import may_be_secret


def select_drift(plan: Plan) -> Plan:
    """Return a partial plan with the edits, renames and deletions made outside keyturn."""
    changes = tuple(change for change in map(_drifted_part, plan.changes) if change)
    addresses = {change.address for change in changes}
    return replace(
        plan,
        changes=changes,
        diagnostics=tuple(each for each in plan.diagnostics if each.address in addresses),
        impact={address: impact for address, impact in plan.impact.items() if address in addresses},
        access_changes=(),
        requests=0,
        partial=True,
    )


def _drifted_part(change: Change) -> Change | None:
    entry, live = change.entry, change.live
    if entry is None or entry.retired_at:
        return None
    fields = tuple(field for field in change.fields if field.has_drifted)
    secrets = tuple(each for each in change.secrets if each.status is SecretStatus.SUSPECT)
    is_deleted = live is None or (live.status == "deleted" and change.action is Action.RESTORE)
    is_renamed = live is not None and live.address != entry.address
    if not (fields or secrets or is_deleted or is_renamed):
        return None
    return replace(change, fields=fields, secrets=secrets)


class PullSelection(Struct, frozen=True):
    """The drifted fields of one manifest: those to write, and those to skip with a reason."""

    to_write: tuple[FieldChange, ...]
    skipped: tuple[SkippedField, ...]


def select_pullable(
    desired: DesiredResource,
    live: LiveObject,
    fields: tuple[FieldChange, ...],
    sealed_paths: Collection[FieldPath],
    approved: frozenset[str],
) -> PullSelection:
    """Select the drifted fields that may be written to a manifest.

    ``sealed_paths`` are the fields that determine where a secret is sent, or as whom it is used.
    ``approved`` names the credentials whose secrets may be sent to a destination set outside git.
    """
    to_write: list[FieldChange] = []
    skipped: list[SkippedField] = []
    for field in fields:
        if not field.has_drifted:
            continue
        refused = _unpullable_field(field, live) or _unapproved_field(field, desired, sealed_paths, approved)
        if refused:
            skipped.append(refused)
        else:
            to_write.append(replace(field, live=_coerce_type(field.live, field.desired)))
    return PullSelection(tuple(to_write), tuple(skipped))


def _unpullable_field(field: FieldChange, live: LiveObject) -> SkippedField | None:  # noqa: PLR0911  # one return per reason
    path, value = field.path, field.live
    if path in live.secret_like_paths:
        return SkippedField(path, "the service returns a mask or a possible secret")
    if value == MISSING and (reason := _missing_field_reason(path, live)):
        return SkippedField(path, reason)
    if isinstance(value, dict):
        return SkippedField(path, "the live value is a mapping: edit the manifest manually")
    if any(may_be_secret(key, value) for key in path[1:] or path):
        return SkippedField(path, "the live value looks like a secret")
    if not values_equal(field.applied, field.desired):
        return SkippedField(path, "the manifest changed too: decide which value to keep")
    if value != MISSING and isinstance(field.desired, Address) and not isinstance(value, Address):
        return SkippedField(path, "the referenced object is not in git: run `keyturn import` first")
    return None


def _missing_field_reason(path: FieldPath, live: LiveObject) -> str:
    if path[0] != "config":
        return f"no live value: remove `{path[-1]}:` from the manifest, or apply to restore it"
    if any(may_be_secret(key, "") for key in path[1:]):
        return "no live value; the service may hide fields that are named like a secret: apply to restore it"
    if not any(each[0] == "config" for each in live.fields):
        return "the service returns no settings: check the object in Planasonix, or apply to restore them"
    return ""


def _unapproved_field(
    field: FieldChange,
    desired: DesiredResource,
    sealed_paths: Collection[FieldPath],
    approved: frozenset[str],
) -> SkippedField | None:
    if desired.address.kind == "credential":
        has_secret = bool(desired.secrets or desired.kept_secrets)
        credentials = {desired.address.name} if has_secret and field.path in sealed_paths else set()
    elif isinstance(field.live, Address):
        credentials = {field.live.name}
    elif field.path in sealed_paths:
        credentials = {leaf.name for leaf in desired.fields.values() if isinstance(leaf, Address)}
    else:
        credentials = set()
    missing = sorted(credentials - approved)
    if not missing:
        return None
    reason = f"the field determines where the secret of {missing[0]} is sent"
    return SkippedField(field.path, reason, missing[0])


def _coerce_type(live: Leaf, desired: Leaf) -> Leaf:
    # A deployment may return every value as text; the manifest keeps the type that it has.
    if not isinstance(live, str) or isinstance(desired, str):
        return live
    if isinstance(desired, bool):
        return {"true": True, "false": False}.get(live.lower(), live)
    if isinstance(desired, int) and live.removeprefix("-").isdecimal() and live.isascii():
        return int(live)
    return live
