"""Interrupted and concurrent replacements of credentials."""

import pytest

from faults.fault_cases import run_without_faults
from faults.scenarios import REPLACED, Scenario, connection, credential
from keyturn.planning.inputs import Approvals

pytestmark = pytest.mark.faults


def test_an_interrupted_replacement_is_completed(harness):
    """The next run reverts the reference that looks like an edit, then replaces again."""
    prepared = harness.prepare(REPLACED)
    puts = [
        n
        for n, each in enumerate(run_without_faults(harness, REPLACED).requests, 1)
        if each["method"] == "PUT"
    ]
    harness.start(prepared, {"kind": "status_before", "status": 403, "at": puts[1]})
    first = harness.apply(prepared.after, REPLACED.approvals)
    harness.service.set_faults([])
    harness.clock.advance(60.0)
    second = harness.apply(prepared.after, REPLACED.approvals)
    rows = harness.service.deployment.store.list_records()
    (new,) = [each.id for each in rows if each.is_active and each.name == "c-replace"]
    (link,) = [each for each in rows if each.name == "n-replace"]
    assert "failed" in {each.outcome_status.value for each in first.report.outcomes}
    assert {each.outcome_status.value for each in second.report.outcomes} == {"done"}
    assert link.credential_id == new


def test_connections_with_their_own_change_are_not_repointed(harness):
    """One moves to another credential, one is retired."""
    how = {"strategy": "replace", "grace": "7d"}

    def before(repo, secrets):
        credential(repo, "c-turns", secrets("turns old"), rotation=how)
        credential(repo, "c-zero", secrets("zero"))
        connection(repo, "n-leaves", "c-turns")
        connection(repo, "n-goes", "c-turns")

    def after(repo, secrets):
        credential(repo, "c-turns", secrets("turns new"), rotation=how)
        credential(repo, "c-zero", secrets("zero"), config={"username": "another"})
        connection(repo, "n-leaves", "c-zero")
        repo.remove("n-goes")

    scenario = Scenario(name="leaving", before=before, after=after, approvals=Approvals(retire=1))
    harness.start(harness.prepare(scenario))
    result = harness.apply(harness.prepare(scenario).after, scenario.approvals)
    assert {str(each.address): each.outcome_status.value for each in result.report.outcomes} == {
        "credential/c-turns": "done",
        "credential/c-zero": "done",
        "connection/n-leaves": "done",
        "connection/n-goes": "done",
    }


def test_drift_is_reverted_before_a_renamed_credential_rotates(harness):
    """One commit renames the credential and changes its secret."""

    def before(repo, secrets):
        credential(repo, "c-old", secrets("old"))
        connection(repo, "n-strays", "c-old")

    def after(repo, secrets):
        repo.remove("c-old")
        credential(repo, "c-new", secrets("new"), moved_from="c-old")
        connection(repo, "n-strays", "c-new")

    def stray(service):
        service.edit_in_ui("connections", "n-strays", config={"host": "elsewhere.example.com"})

    scenario = Scenario(name="straying", before=before, ui_edits=stray, after=after)
    harness.start(harness.prepare(scenario))
    result = harness.apply(harness.prepare(scenario).after, scenario.approvals)
    assert result.error is None
    assert {each.outcome_status.value for each in result.report.outcomes} == {"done"}
