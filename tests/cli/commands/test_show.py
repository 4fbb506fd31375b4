"""keyturn show."""

import json


def test_a_saved_plan_is_shown_as_it_was_drawn(setup, canary):
    """Every form of the plan, from the file alone: the service is not asked."""
    setup.repo.credential("prod-db", {"password": canary()})
    drawn = setup.run("plan", "--out", "plan.kt").stdout
    assert (setup.repo.root / "plan.kt").stat().st_mode & 0o777 == 0o600
    before = len(setup.service.list_requests())
    assert setup.run("show", "plan.kt").stdout == drawn
    tree = json.loads(setup.run("show", "plan.kt", "--format", "json").stdout)
    assert tree["resource_changes"][0]["address"] == "credential/prod-db"
    assert len(setup.service.list_requests()) == before


def test_a_file_that_is_no_plan(setup):
    """Refused as what it is."""
    done = setup.run("show", "keyturn.yaml")
    assert done.code == 5
    assert "KT650" in done.stderr


def test_no_file(setup):
    """Usage."""
    assert setup.run("show").code == 64
    assert setup.run("show", "nothing.kt").code == 64
