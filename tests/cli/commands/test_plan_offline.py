"""plan --offline."""

import pytest

from keyturn.cli.commands.plan import run_offline_plan
from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.plan.plan import PlanOptions


def test_against_an_exported_ledger(office, canary):
    """What the ledger holds and git does not want is retired; no key, no network."""
    office.repo.credential("prod-db", {"password": canary()})
    office.repo.credential("prod-other", {"password": canary()})
    assert office.here("apply", "--yes").code == 0
    exported = office.repo.root / "ledger.json"
    exported.write_bytes((office.repo.root / ".keyturn/prod/ledger.json").read_bytes())
    office.repo.remove("prod-other")
    before = len(office.service.list_requests())
    plan = run_offline_plan(office.repo.root, "", PlanOptions(), "", exported)
    assert [(each.action.value, each.address.name) for each in plan.changes] == [("retire", "prod-other")]
    assert plan.offline
    assert len(office.service.list_requests()) == before


def test_without_git_there_is_no_base(office):
    """It is said, and how to get one."""
    with pytest.raises(DiagnosticError) as caught:
        run_offline_plan(office.repo.root, "", PlanOptions(), "", None)
    assert "KT007" in {each.code for each in caught.value.diagnostics} | {"KT123"}
