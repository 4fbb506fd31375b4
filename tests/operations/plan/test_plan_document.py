"""The record of a plan: encoded as JSON and decoded again."""

import json

import msgspec
import pytest
from msgspec.structs import replace

from keyturn.model.address import SourceLocation
from keyturn.model.change import MISSING, Action, Change, Exposure, FieldChange, SecretChange, SecretStatus
from keyturn.model.diagnostic import Cause, Diagnostic, Severity
from keyturn.model.plan import Impact, Plan
from keyturn.model.resource import DesiredResource, EncryptedSecret, LiveObject, StateEntry
from keyturn.model.secret import Secret
from keyturn.operations.plan.plan_document import (
    ChangeRecord,
    DesiredRecord,
    EntryRecord,
    ExposureRecord,
    FieldChangeRecord,
    LiveRecord,
    PlanRecord,
    from_plan_record,
    to_plan_record,
)
from sample_resources import (
    connection_address,
    credential_address,
    make_desired,
    make_live_object,
    make_state_entry,
)

DB, PG = credential_address("prod-db"), connection_address("prod-pg")


def plan(*, fields=None, **more):
    """Return a plan with a value in every field; ``fields`` replaces those of the manifest."""
    desired = make_desired(DB, {"host": "h", "port": 1, "tls": True, "none": None, "of": PG}, **more)
    desired = replace(desired, fields=desired.fields if fields is None else fields)
    known = make_state_entry(desired, "id1", {"password": "y"}, earlier=("/password:z",))
    finding = Diagnostic(
        code="KT451",
        severity=Severity.ERROR,
        message="m",
        origin=SourceLocation("f", 1, 2),
        address=DB,
        cause=Cause.NEW_DESTINATION,
    )
    change = Change(
        action=Action.ROTATE,
        address=DB,
        desired=desired,
        entry=known,
        live=make_live_object(known, secret_like_paths=(("config", "x"),)),
        fields=(FieldChange(("config", "host"), "a", "b", "c"),),
        secrets=(SecretChange(("password",), SecretStatus.ROTATED, "r"),),
        exposures=(Exposure(DB, PG, ("config", "host"), "a", "b"),),
        depends_on=(PG,),
    )
    return Plan(
        workspace="prod",
        organization="org",
        changes=(change,),
        diagnostics=(finding,),
        impact={DB: Impact(connections=2, unmanaged_connections=("connection/x",))},
    )


def to_text(value):
    """Return the record of a plan as JSON text."""
    return json.dumps(msgspec.to_builtins(to_plan_record(value), order="deterministic"))


def from_text(text):
    """Return the plan of JSON text."""
    return from_plan_record(msgspec.convert(json.loads(text), PlanRecord))


def test_a_plan_survives_encoding():
    """The decoded plan equals the plan, except for fingerprints."""
    before = plan(secrets={"password": "x"}, opened=False)
    after = from_text(to_text(before))
    (change,) = before.changes
    expected = replace(
        before, changes=(replace(change, entry=replace(change.entry, fingerprints={}, earlier=())),)
    )
    assert after == expected
    assert after.approval_digest() == before.approval_digest()


def test_every_field_of_a_plan_is_in_the_record():
    """A new field of a model class must be added to its record."""
    left_out = {"fingerprints", "earlier"}
    for record, model in [
        (PlanRecord, Plan),
        (ChangeRecord, Change),
        (DesiredRecord, DesiredResource),
        (EntryRecord, StateEntry),
        (LiveRecord, LiveObject),
        (FieldChangeRecord, FieldChange),
        (ExposureRecord, Exposure),
    ]:
        assert set(model.__struct_fields__) - left_out == set(record.__struct_fields__)


@pytest.mark.parametrize(
    "value", ["h", 1, 1.0, True, None, MISSING, 2**80, ["a", {"ref": "credential/x"}], {"ref": "x"}, PG]
)
def test_a_field_value_keeps_its_type(value):
    """Reference, mapping, integer and float stay distinct."""
    before = plan(secrets={}, fields={("config", "x~/y"): value})
    fields = from_text(to_text(before)).changes[0].desired.fields
    assert fields == {("config", "x~/y"): value}
    assert type(fields["config", "x~/y"]) is type(value)


def test_neither_secrets_nor_fingerprints_are_in_the_record(canary):
    """A decrypted secret is stored as an empty digest."""
    secret = canary()
    text = to_text(plan(secrets={"password": secret}))
    canary.record("plan record", text)
    assert "fingerprints" not in text
    assert from_text(text).changes[0].desired.secrets == {("password",): EncryptedSecret("")}


@pytest.mark.parametrize("value", [object(), lambda: 1, Secret("x"), [Secret("x")]])
def test_an_unsupported_value_is_refused(value):
    """A secret among the plain fields cannot be encoded."""
    with pytest.raises(TypeError):
        to_text(plan(secrets={}, fields={("config", "x"): value}))


@pytest.mark.parametrize(
    "change",
    [
        {"action": "explode"},
        {"action": None},
        {"address": {"kind": "credential"}},
        {"desired": {"type": "Secret"}},
        {"fields": [{"path": ["config"], "applied": {"type": "path", "value": "x"}}]},
        {"secrets": [{"path": ["password"], "status": "leaked"}]},
    ],
)
def test_an_invalid_record_is_refused(change):
    """Unknown tags, unknown enum values and missing fields raise ValueError."""
    tree = json.loads(to_text(plan(secrets={})))
    tree["changes"][0] |= change
    with pytest.raises(ValueError, match="changes"):
        from_text(json.dumps(tree))
