"""The guards on secrets that a connection holds in its own settings."""

import pytest

from keyturn.model.change import Action, Change
from keyturn.model.plan import PlanLimits
from keyturn.model.resource import EMPTY
from keyturn.planning.guards import GuardContext, check_guards
from keyturn.planning.inputs import Approvals
from sample_resources import connection_address, make_desired, make_inputs, make_live_object, make_state_entry

PG = connection_address("prod-pg")
WRITES = [Action.UPDATE, Action.RENAME, Action.ADOPT]


def find_codes(action, desired, *, merges_updates=False, **live_fields):
    """Return the codes for a change of a connection whose live object has these attributes."""
    live = make_live_object(make_state_entry(desired, "id-1"), **live_fields)
    change = Change(action=action, address=desired.address, desired=desired, live=live)
    everything = Approvals(adopt=frozenset({"*"}), retire=99)
    context = GuardContext(
        changes=(change,),
        inputs=make_inputs(desired),
        approvals=everything,
        limits=PlanLimits(),
        users=EMPTY,
        merges_updates=merges_updates,
    )
    return [finding.code for finding in check_guards(context)]


@pytest.mark.parametrize("action", WRITES)
def test_a_masked_setting_is_not_overwritten(action):
    """An update sends all settings, so the plan names the masked one and is blocked."""
    masked = {"secret_like_paths": (("config", "password"),)}
    assert find_codes(action, make_desired(PG, uses="prod-db"), **masked) == ["KT476"]
    assert find_codes(Action.RETIRE, make_desired(PG, uses="prod-db"), **masked) == []


@pytest.mark.parametrize("action", WRITES)
@pytest.mark.parametrize("name", ["user", "username", "userName"])
def test_a_login_without_credential_has_a_hidden_password(action, name):
    """The service hides the password; the user name is the only sign of it."""
    desired = make_desired(PG, {"host": "db.example.com", name: "svc"})
    assert find_codes(action, desired) == ["KT477"]


def test_an_update_without_a_hidden_password_is_allowed():
    """With a credential on either side, without a user name, or if the deployment merges."""
    login = {"host": "db.example.com", "user": "svc"}
    assert find_codes(Action.UPDATE, make_desired(PG, login, uses="prod-db")) == []
    assert find_codes(Action.UPDATE, make_desired(PG)) == []
    assert find_codes(Action.UPDATE, make_desired(PG, login), merges_updates=True) == []
    assert find_codes(Action.CREATE, make_desired(PG, login)) == []
