"""plan --offline."""

import pytest

from keyturn.cli.plan_output import run_offline_plan
from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.plan.plan import PlanOptions


def test_against_an_exported_state(setup, canary):
    """What the state holds and git does not want is retired; no key, no network."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.credential("prod-other", {"password": canary()})
    assert setup.run("apply", "--yes").code == 0
    exported = setup.repo.root / "state.json"
    exported.write_bytes((setup.repo.root / ".keyturn/prod/state.json").read_bytes())
    setup.repo.remove("prod-other")
    before = len(setup.service.list_requests())
    plan = run_offline_plan(setup.repo.root, "", PlanOptions(), "", exported)
    assert [(each.action.value, each.address.name) for each in plan.changes] == [("retire", "prod-other")]
    assert plan.offline
    assert len(setup.service.list_requests()) == before


def test_the_old_option_names_the_new_one(setup):
    """`--ledger` of keyturn 0.1 is a usage error, and help does not list it."""
    ended = setup.run("plan", "--offline", "--ledger", "state.json")
    assert (ended.code, "use --state" in ended.stderr) == (64, True)
    assert "--ledger" not in setup.run("plan", "--help").stdout


def test_without_git_there_is_no_base(setup):
    """It is said, and how to get one."""
    with pytest.raises(DiagnosticError) as caught:
        run_offline_plan(setup.repo.root, "", PlanOptions(), "", None)
    assert "KT007" in {each.code for each in caught.value.diagnostics} | {"KT123"}
