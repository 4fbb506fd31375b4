"""Drift alone: what moved without us, and not what git wants anew."""

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


def drift_only(plan: Plan) -> Plan:
    """Return the plan with only what was edited, renamed, deleted or saved outside keyturn."""
    kept = tuple(each for each in map(_drifted_part, plan.changes) if each)
    addresses = {change.address for change in kept}
    findings = tuple(each for each in plan.diagnostics if each.address in addresses)
    impact = {address: each for address, each in plan.impact.items() if address in addresses}
    return replace(
        plan, changes=kept, diagnostics=findings, impact=impact, access_changes=(), requests=0, partial=True
    )


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


class PullSelection(Struct, frozen=True):
    """The drift of one manifest, sorted into what is written and what is left."""

    to_write: tuple[FieldChange, ...]
    skipped: tuple[SkippedField, ...]


def select_pullable(
    desired: DesiredResource,
    live: LiveObject,
    fields: tuple[FieldChange, ...],
    sealed: Collection[tuple[str, ...]],
    agreed: frozenset[str],
) -> PullSelection:
    """Sort what drifted. ``sealed`` are the paths that say where a secret goes, or as whom it is used.

    ``agreed`` names the credentials whose secrets may go to a destination that was set outside git.
    """
    take: list[FieldChange] = []
    left: list[SkippedField] = []
    for field in fields:
        if not field.has_drifted:
            continue
        refusal = _unpullable_field(field, live) or _unapproved_field(field, desired, sealed, agreed)
        if refusal:
            left.append(refusal)
        else:
            take.append(
                FieldChange(field.path, field.applied, _coerce_type(field.live, field.desired), field.desired)
            )
    return PullSelection(tuple(take), tuple(left))


def _unpullable_field(field: FieldChange, live: LiveObject) -> SkippedField | None:  # noqa: PLR0911  # one return a reason
    path, now = field.path, field.live
    if path in live.secret_like_paths:
        return SkippedField(path, "the service shows a mask or a secret there")
    if now == MISSING and (refusal := _missing_field_reason(path, live)):
        return SkippedField(path, refusal)
    if isinstance(now, dict):
        return SkippedField(path, "it is a mapping: write it by hand")
    if any(may_be_secret(key, now) for key in path[1:] or path):
        return SkippedField(path, "the live value looks like a secret")
    if not values_equal(field.applied, field.desired):
        return SkippedField(path, "git changed it too: decide which of the two is meant")
    if now != MISSING and isinstance(field.desired, Address) and not isinstance(now, Address):
        return SkippedField(path, "it refers to what is not in git: `keyturn import` it first")
    return None


def _missing_field_reason(path: FieldPath, live: LiveObject) -> str:
    if path[0] != "config":
        return f"it is gone live: take `{path[-1]}:` out of the manifest, or apply to bring it back"
    if any(may_be_secret(key, "") for key in path[1:]):
        return "it is gone live, as a service hides what is named like a secret: apply to bring it back"
    if not any(each[0] == "config" for each in live.fields):
        return "the service shows none of its settings: look at it in Planasonix, or apply to bring them back"
    return ""


def _unapproved_field(
    field: FieldChange, desired: DesiredResource, sealed: Collection[tuple[str, ...]], agreed: frozenset[str]
) -> SkippedField | None:
    if desired.address.kind == "credential":
        holds = field.path in sealed and (desired.secrets or desired.kept_secrets)
        concerned = {desired.address.name} if holds else set()
    elif isinstance(field.live, Address):
        concerned = {field.live.name}
    else:
        users = {leaf.name for leaf in desired.fields.values() if isinstance(leaf, Address)}
        concerned = users if field.path in sealed else set()
    missing = sorted(concerned - agreed)
    if not missing:
        return None
    return SkippedField(field.path, f"it says where the secret of {missing[0]} goes", missing[0])


def _coerce_type(now: Leaf, wanted: Leaf) -> Leaf:
    # A deployment may answer everything as text; git keeps the type that it was written in.
    if not isinstance(now, str) or isinstance(wanted, str):
        return now
    if isinstance(wanted, bool):
        return {"true": True, "false": False}.get(now.lower(), now)
    if isinstance(wanted, int) and now.removeprefix("-").isdecimal() and now.isascii():
        return int(now)
    return now
