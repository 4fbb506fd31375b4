"""keyturn plan."""

import json

import pytest


@pytest.fixture
def ready(setup, canary):
    """Return a setup with one credential that was not applied."""
    setup.repo.credential("prod-db", {"password": canary()})
    return setup


def test_exit_codes(ready):
    """2 only where it was asked for and something waits."""
    assert ready.run("plan").code == 0
    assert ready.run("plan", "--detailed-exitcode").code == 2
    assert ready.run("apply", "--yes").code == 0
    assert ready.run("plan", "--detailed-exitcode").code == 0


def test_two_forms_at_once(ready):
    """The text for people, the JSON for the next step."""
    done = ready.run("plan", "--json-into", "plan.json")
    tree = json.loads((ready.repo.root / "plan.json").read_text())
    assert tree["resource_changes"][0]["address"] == "credential/prod-db"
    assert "Plan: 1 to create" in done.stdout


def test_a_class_that_was_named_fails_the_plan(ready):
    """5, with the plan shown; a misspelt class is noticed before anything is read."""
    assert ready.run("plan", "--fail-on", "findings").code == 5
    before = len(ready.service.list_requests())
    assert ready.run("plan", "--fail-on", "finding").code == 64
    assert len(ready.service.list_requests()) == before


def test_an_offline_plan_cannot_be_saved(ready):
    """There would be nothing to apply."""
    assert ready.run("plan", "--offline", "--out", "x.kt").code == 64
    assert not (ready.repo.root / "x.kt").exists()


def test_drift_alone(ready):
    """What git wants anew is left out; what somebody edited is in."""
    assert ready.run("apply", "--yes").code == 0
    ready.repo.connection("prod-pg", "prod-db")
    assert "No changes." in ready.run("plan", "--refresh-only").stdout
    ready.service.set_clock(advance=5)
    ready.service.edit_in_ui("credentials", "prod-db", config={"username": "eve"})
    shown = ready.run("plan", "--refresh-only").stdout
    assert "credential/prod-db" in shown
    assert "connection/prod-pg" not in shown


def test_verbose_counts_requests(ready):
    """On the error stream, so that the plan stays what it is."""
    quiet, loud = ready.run("plan"), ready.run("plan", "-v")
    assert loud.stdout == quiet.stdout
    assert loud.stderr.startswith("planning\nplanning: reading manifests\n")
    assert "\nrequests: " in loud.stderr
    assert quiet.stderr == ""
