"""A plan as JSON and back."""

import json

import pytest
from msgspec.structs import replace

from keyturn.core.address import Origin
from keyturn.core.change import Action, Change, Exposure, FieldChange, SecretChange, SecretState
from keyturn.core.diagnostic import Cause, Diagnostic, Severity
from keyturn.core.plan import Impact, Plan
from keyturn.core.resource import Sealed
from keyturn.engine.planfile import pack, unpack
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
        origin=Origin("f", 1, 2),
        address=DB,
        cause=Cause.NEW_DESTINATION,
    )
    change = Change(
        action=Action.ROTATE,
        address=DB,
        desired=desired,
        known=known,
        live=shown(known, suspicious=(("config", "x"),)),
        fields=(FieldChange(("config", "host"), "a", "b", "c"),),
        secrets=(SecretChange(("password",), SecretState.ROTATED, "r"),),
        exposures=(Exposure(DB, PG, ("config", "host"), "a", "b"),),
        after=(PG,),
    )
    return Plan(
        workspace="prod",
        organization="org",
        changes=(change,),
        findings=(finding,),
        impact={DB: Impact(connections=2, outsiders=("connection/x",))},
    )


def test_a_plan_survives():
    """All of it but fingerprints, through text."""
    before = plan(secrets={"password": "x"}, opened=False)
    after = unpack(json.loads(json.dumps(pack(before))))
    (change,) = before.changes
    expected = replace(
        before, changes=(replace(change, known=replace(change.known, fingerprints={}, earlier=())),)
    )
    assert after == expected
    assert after.digest() == before.digest()


def test_neither_secrets_nor_fingerprints_are_in_it(canary):
    """An opened secret leaves an empty seal behind."""
    secret = canary()
    text = json.dumps(pack(plan(secrets={"password": secret})))
    canary.also("packed plan", text)
    assert '"fingerprints": {"is": "mapping", "items": []}' in text
    assert unpack(json.loads(text)).changes[0].desired.secrets == {("password",): Sealed("")}


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", lambda: 1])
def test_what_a_plan_cannot_hold_is_refused(value):
    """A closed set, so that nothing slips in."""
    with pytest.raises(TypeError):
        pack(value)


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
        unpack(tree)
