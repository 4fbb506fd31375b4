"""The JSON document of a plan: records without secrets and without fingerprints.

A mapping by field path is stored by JSON pointer (RFC 6901); a field value is a tagged record, so that
a reference to a resource differs from a mapping of the same shape.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import asdict, replace

from keyturn.model.address import Address, SourceLocation
from keyturn.model.change import Action, Change, Exposure, FieldChange, SecretChange
from keyturn.model.diagnostic import Diagnostic
from keyturn.model.fields import FieldPath, Fields, Leaf, from_json_pointer, to_json_pointer
from keyturn.model.plan import ApprovalInputs, Impact, Plan, PlanBase
from keyturn.model.resource import (
    EMPTY,
    DesiredResource,
    EncryptedSecret,
    Generation,
    Lifecycle,
    LiveObject,
    StateEntry,
)


class LiteralValue(Struct, frozen=True, tag="literal"):
    """A field value that is not a reference."""

    value: Any


class ReferenceValue(Struct, frozen=True, tag="reference"):
    """A field value that refers to a resource."""

    address: Address


FieldValue: TypeAlias = LiteralValue | ReferenceValue
FieldValues: TypeAlias = Mapping[str, FieldValue]


class DesiredRecord(Struct, frozen=True, kw_only=True):
    """A DesiredResource; ``secrets`` holds ciphertext digests, empty for a decrypted secret."""

    address: Address
    type: str
    fields: FieldValues
    secrets: Mapping[str, str]
    ciphertext_digests: Mapping[str, str]
    digest: str
    origin: SourceLocation
    labels: Mapping[str, str]
    lifecycle: Lifecycle
    kept_secrets: tuple[FieldPath, ...]
    destination_paths: frozenset[FieldPath]
    seal: Mapping[str, Any]


class EntryRecord(Struct, frozen=True, kw_only=True):
    """A StateEntry without its fingerprints."""

    address: Address
    id: str
    type: str
    digest: str
    applied: FieldValues
    observed: FieldValues
    updated_at: str
    rotated_at: str
    retired_at: str
    protect: bool
    commit: str
    destinations: tuple[str, ...]
    untested: bool = False
    generation: Generation | None = None


class LiveRecord(Struct, frozen=True, kw_only=True):
    """A LiveObject."""

    address: Address
    id: str
    type: str
    fields: FieldValues
    created_at: str
    updated_at: str
    status: str
    has_config: bool
    secret_like_paths: tuple[FieldPath, ...]


class FieldChangeRecord(Struct, frozen=True, kw_only=True):
    """A FieldChange."""

    path: FieldPath
    applied: FieldValue
    live: FieldValue
    desired: FieldValue


class ExposureRecord(Struct, frozen=True, kw_only=True):
    """An Exposure."""

    address: Address
    through: Address
    path: FieldPath
    before: FieldValue
    after: FieldValue


class ChangeRecord(Struct, frozen=True, kw_only=True):
    """A Change."""

    action: Action
    address: Address
    desired: DesiredRecord | None
    entry: EntryRecord | None
    live: LiveRecord | None
    fields: tuple[FieldChangeRecord, ...]
    secrets: tuple[SecretChange, ...]
    exposures: tuple[ExposureRecord, ...]
    renamed_from: str
    depends_on: tuple[Address, ...]
    reason: str


class PlanRecord(Struct, frozen=True, kw_only=True):
    """A Plan; ``impact`` is by address."""

    workspace: str
    organization: str
    changes: tuple[ChangeRecord, ...]
    diagnostics: tuple[Diagnostic, ...]
    access_changes: tuple[Diagnostic, ...]
    impact: Mapping[str, Impact]
    requests: int
    requests_per_second: float
    resources: int
    offline: bool
    partial: bool
    inputs: ApprovalInputs
    command_options: tuple[str, ...]
    base: PlanBase | None = None


def to_plan_record(plan: Plan) -> PlanRecord:
    """Return the record of a plan; secrets and fingerprints are left out."""
    values = asdict(plan) | {
        "changes": tuple(map(_to_change_record, plan.changes)),
        "impact": {str(address): impact for address, impact in plan.impact.items()},
        "inputs": replace(
            plan.inputs,
            settings=dict(plan.inputs.settings),
            manifests=dict(plan.inputs.manifests),
            open_intents=dict(plan.inputs.open_intents),
        ),
    }
    return PlanRecord(**values)


def from_plan_record(record: PlanRecord) -> Plan:
    """Return the plan of a record; raises ValueError for a malformed address."""
    values = asdict(record) | {
        "changes": tuple(map(_from_change_record, record.changes)),
        "impact": {Address.parse(address): impact for address, impact in record.impact.items()},
    }
    return Plan(**values)


def _to_change_record(change: Change) -> ChangeRecord:
    values = asdict(change) | {
        "desired": change.desired and _to_desired_record(change.desired),
        "entry": change.entry and _to_entry_record(change.entry),
        "live": change.live and _to_live_record(change.live),
        "fields": tuple(map(_to_field_change_record, change.fields)),
        "exposures": tuple(map(_to_exposure_record, change.exposures)),
    }
    return ChangeRecord(**values)


def _from_change_record(record: ChangeRecord) -> Change:
    values = asdict(record) | {
        "desired": record.desired and _from_desired_record(record.desired),
        "entry": record.entry and _from_entry_record(record.entry),
        "live": record.live and _from_live_record(record.live),
        "fields": tuple(map(_from_field_change_record, record.fields)),
        "exposures": tuple(map(_from_exposure_record, record.exposures)),
    }
    return Change(**values)


def _to_desired_record(desired: DesiredResource) -> DesiredRecord:
    values = asdict(desired) | {
        "fields": _to_field_values(desired.fields),
        "secrets": {
            to_json_pointer(path): value.digest if isinstance(value, EncryptedSecret) else ""
            for path, value in desired.secrets.items()
        },
        "ciphertext_digests": _key_by_pointer(desired.ciphertext_digests),
        "labels": dict(desired.labels),
        "seal": dict(desired.seal),
    }
    return DesiredRecord(**values)


def _from_desired_record(record: DesiredRecord) -> DesiredResource:
    values = asdict(record) | {
        "fields": _from_field_values(record.fields),
        "secrets": {path: EncryptedSecret(digest) for path, digest in _key_by_path(record.secrets).items()},
        "ciphertext_digests": _key_by_path(record.ciphertext_digests),
    }
    return DesiredResource(**values)


def _to_entry_record(entry: StateEntry) -> EntryRecord:
    values = asdict(entry) | {
        "applied": _to_field_values(entry.applied),
        "observed": _to_field_values(entry.observed),
    }
    return EntryRecord(**{name: values[name] for name in EntryRecord.__struct_fields__})


def _from_entry_record(record: EntryRecord) -> StateEntry:
    values = asdict(record) | {
        "applied": _from_field_values(record.applied),
        "observed": _from_field_values(record.observed),
    }
    return StateEntry(**values, fingerprints=EMPTY)


def _to_live_record(live: LiveObject) -> LiveRecord:
    return LiveRecord(**(asdict(live) | {"fields": _to_field_values(live.fields)}))


def _from_live_record(record: LiveRecord) -> LiveObject:
    return LiveObject(**(asdict(record) | {"fields": _from_field_values(record.fields)}))


def _to_field_change_record(change: FieldChange) -> FieldChangeRecord:
    return FieldChangeRecord(
        path=change.path,
        applied=_to_field_value(change.applied),
        live=_to_field_value(change.live),
        desired=_to_field_value(change.desired),
    )


def _from_field_change_record(record: FieldChangeRecord) -> FieldChange:
    values = (record.applied, record.live, record.desired)
    return FieldChange(record.path, *map(_from_field_value, values))


def _to_exposure_record(exposure: Exposure) -> ExposureRecord:
    return ExposureRecord(
        address=exposure.address,
        through=exposure.through,
        path=exposure.path,
        before=_to_field_value(exposure.before),
        after=_to_field_value(exposure.after),
    )


def _from_exposure_record(record: ExposureRecord) -> Exposure:
    before, after = _from_field_value(record.before), _from_field_value(record.after)
    return Exposure(record.address, record.through, record.path, before, after)


def _to_field_values(fields: Fields) -> FieldValues:
    return {to_json_pointer(path): _to_field_value(leaf) for path, leaf in fields.items()}


def _from_field_values(values: FieldValues) -> Fields:
    return {from_json_pointer(pointer): _from_field_value(value) for pointer, value in values.items()}


def _to_field_value(leaf: Leaf) -> FieldValue:
    return ReferenceValue(leaf) if isinstance(leaf, Address) else LiteralValue(leaf)


def _from_field_value(value: FieldValue) -> Leaf:
    return value.address if isinstance(value, ReferenceValue) else value.value


def _key_by_pointer(values: Mapping[FieldPath, str]) -> dict[str, str]:
    return {to_json_pointer(path): value for path, value in values.items()}


def _key_by_path(values: Mapping[str, str]) -> dict[FieldPath, str]:
    return {from_json_pointer(pointer): value for pointer, value in values.items()}
