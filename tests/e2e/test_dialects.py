"""The same story on every deployment: dialects, ways of PUT, replies, masks."""

import pytest

DEPLOYMENTS = {
    "docs": {},
    "backend": {"dialect": "backend"},
    "jsonapi": {"dialect": "jsonapi"},
    "backend, no link": {"dialect": "backend", "backend_link": "ignore"},
    "put replaces": {"credential_put": "replace", "connection_put": "replace"},
    "put merges": {"credential_put": "merge", "connection_put": "merge"},
    "put wipes": {"credential_put": "wipe"},
    "null deletes": {"null_deletes": True},
    "numbers as text": {"stringify": True},
    "masked": {"reply_secrets": "mask"},
    "leaked": {"reply_secrets": "leak"},
    "pages of two": {"page_size": 2},
    "204 and 202": {"delete_status": 204, "create_status": 202},
    "names stay taken": {"delete_frees_name": False},
    "deleted are listed": {"list_deleted": True},
    "deleted are gone": {"deleted_get": 404},
    "names not unique": {"unique_names": False},
    "more fields": {"extra_fields": True},
    "trims and lowers": {"normalise": ("trim", "lower", "defaults", "order")},
}


def applied(office, *more):
    """Apply, and check that the next plan is empty."""
    done = office.repo.inside("apply", "--auto-approve", *more)
    assert done.code == 0, done.stdout + done.stderr
    left = office.repo.inside("plan", "--detailed-exitcode")
    assert left.code == 0, left.stdout + left.stderr


@pytest.mark.parametrize("office", DEPLOYMENTS.values(), ids=DEPLOYMENTS.keys(), indirect=True)
def test_the_story_on_every_deployment(office, canary, request):
    """Create, change, rotate, rename, retire, restore; after each the plan is empty."""
    secret, config = (
        canary(),
        {"engine": "postgresql", "host": "db.example.com", "port": 5432, "username": "svc"},
    )
    office.repo.credential("prod-db", {"password": secret}, config)
    office.repo.credential("prod-other", {"password": canary()}, {**config, "host": "other.example.com"})
    more = {"category": "source"} if "backend" in request.node.name else {}
    place = {"host": "db.example.com", "port": 5432, "database": "app"}
    office.repo.connection("prod-pg", "prod-db", place, **more)
    applied(office)
    office.repo.connection("prod-pg", "prod-db", {**place, "database": "second"}, **more)
    applied(office)
    office.repo.credential("prod-db", {"password": canary()}, config)
    applied(office)
    secret = canary()
    office.repo.remove("prod-other")
    office.repo.credential(
        "prod-more", {"password": secret}, {**config, "host": "other.example.com"}, moved_from="prod-other"
    )
    applied(office)
    office.repo.remove("prod-more")
    applied(office)
    office.repo.credential("prod-more", {"password": secret}, {**config, "host": "other.example.com"})
    applied(office)
    names = {each["name"]: each for each in office.service.holds("salt")}
    assert set(names) >= {"prod-db", "prod-more"}
