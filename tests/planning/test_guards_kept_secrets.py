"""The guard on kept secrets of new objects."""

import pytest

from keyturn.model.change import Action, Change
from keyturn.model.plan import PlanLimits
from keyturn.model.resource import EMPTY
from keyturn.planning.guards import GuardContext, check_guards
from keyturn.planning.inputs import Approvals
from sample_resources import credential_address, make_desired, make_inputs

KEPT = make_desired(
    credential_address("prod-db"), kept_secrets=(("private_key",), ("passphrase",)), strategy="replace"
)


def found(change):
    """Return the violations of a change despite all approvals."""
    everything = Approvals(adopt=frozenset({"*"}), restore=frozenset({"prod-db"}), retire=99, rotate=99)
    inputs = make_inputs(*([change.desired] if change.desired else []))
    return check_guards(
        GuardContext(changes=(change,), inputs=inputs, approvals=everything, limits=PlanLimits(), users=EMPTY)
    )


@pytest.mark.parametrize("action", [Action.CREATE, Action.REPLACE, Action.ROTATE])
def test_a_new_object_has_no_live_value_to_keep(action):
    """A create, a replacement and a rotation by a successor would lack the secret."""
    (finding,) = found(Change(action=action, address=KEPT.address, desired=KEPT))
    assert finding.code == "KT472"
    assert "private_key, passphrase" in finding.message
    assert "keyturn secret set prod-db private_key" in finding.hint


@pytest.mark.parametrize(
    ("action", "desired"),
    [
        (Action.UPDATE, KEPT),
        (Action.RESTORE, KEPT),
        (Action.ROTATE, make_desired(KEPT.address, kept_secrets=KEPT.kept_secrets, strategy="in_place")),
        (Action.CREATE, make_desired(KEPT.address, secrets={"password": "x"})),
    ],
)
def test_an_existing_object_keeps_its_secret(action, desired):
    """No violation if the object stays, or nothing is kept."""
    assert found(Change(action=action, address=KEPT.address, desired=desired)) == ()
