"""A plan as JSON and back."""

import json

import pytest
from msgspec.structs import replace

from keyturn.model.address import SourceLocation
from keyturn.model.change import Action, Change, Exposure, FieldChange, SecretChange, SecretStatus
from keyturn.model.diagnostic import Cause, Diagnostic, Severity
from keyturn.model.plan import Impact, Plan
from keyturn.model.resource import EncryptedSecret
from keyturn.operations.plan.plan_file import from_plan_json, to_plan_json
from making import connection, credential, held, shown, wanted

DB, PG = credential("prod-db"), connection("prod-pg")


def plan(**more):
    """Return a plan with something of everything."""
    desired = wanted(DB, {"host": "h", "port": 1, "tls": True, "none": None, "of": PG}, **more)
    known = held(desired, "id1", {"password": "y"}, earlier=("/password:z",))
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
        live=shown(known, suspicious=(("config", "x"),)),
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


def test_a_plan_survives():
    """All of it but fingerprints, through text."""
    before = plan(secrets={"password": "x"}, opened=False)
    after = from_plan_json(json.loads(json.dumps(to_plan_json(before))))
    (change,) = before.changes
    expected = replace(
        before, changes=(replace(change, entry=replace(change.entry, fingerprints={}, earlier=())),)
    )
    assert after == expected
    assert after.approval_digest() == before.approval_digest()


def test_neither_secrets_nor_fingerprints_are_in_it(canary):
    """An opened secret leaves an empty seal behind."""
    secret = canary()
    text = json.dumps(to_plan_json(plan(secrets={"password": secret})))
    canary.also("packed plan", text)
    assert '"fingerprints": {"is": "mapping", "items": []}' in text
    assert from_plan_json(json.loads(text)).changes[0].desired.secrets == {("password",): EncryptedSecret("")}


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", lambda: 1])
def test_what_a_plan_cannot_hold_is_refused(value):
    """A closed set, so that nothing slips in."""
    with pytest.raises(TypeError):
        to_plan_json(value)


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"is": "Secret", "value": "x"},
        {"is": "Path"},
        {"is": "Address", "kind": "credential"},
        {"is": "Action", "value": "explode"},
        {"is": "mapping"},
    ],
)
def test_what_no_plan_holds_is_not_made(tree):
    """No class by name, no value that there is not."""
    with pytest.raises((KeyError, TypeError, ValueError)):
        from_plan_json(tree)
