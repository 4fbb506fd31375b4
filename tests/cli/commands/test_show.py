"""keyturn show."""

import json


def test_a_saved_plan_is_shown_as_it_was_drawn(office, canary):
    """Every form of the plan, from the file alone: the service is not asked."""
    office.repo.credential("prod-db", {"password": canary()})
    drawn = office.here("plan", "--out", "plan.kt").stdout
    assert (office.repo.root / "plan.kt").stat().st_mode & 0o777 == 0o600
    before = len(office.service.list_requests())
    assert office.here("show", "plan.kt").stdout == drawn
    tree = json.loads(office.here("show", "plan.kt", "--format", "json").stdout)
    assert tree["resource_changes"][0]["address"] == "credential/prod-db"
    assert len(office.service.list_requests()) == before


def test_a_file_that_is_no_plan(office):
    """Refused as what it is."""
    done = office.here("show", "keyturn.yaml")
    assert done.code == 5
    assert "KT650" in done.stderr


def test_no_file(office):
    """Usage."""
    assert office.here("show").code == 64
    assert office.here("show", "nothing.kt").code == 64
