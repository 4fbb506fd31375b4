"""The lifecycle of a resource on every API dialect: PUT semantics, replies and masks."""

import json

import pytest

from planasonix_emulator.storage.secret_log import digest_secret

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
    "backend with dates": {"dialect": "backend", "backend_timestamps": True},
    "jsonapi that replaces and masks": {
        "dialect": "jsonapi",
        "credential_put": "replace",
        "reply_secrets": "mask",
    },
    "backend that wipes and leaks": {
        "dialect": "backend",
        "credential_put": "wipe",
        "reply_secrets": "leak",
    },
    "null for secrets": {"reply_secrets": "null"},
    "204 and 202": {"delete_status": 204, "create_status": 202},
    "200 for all": {"create_status": 200, "update_status": 200, "delete_status": 200},
    "updates without a word": {"create_status": 202, "update_status": 204, "delete_status": 202},
    "connections merge, words for masks": {"connection_put": "merge", "reply_secrets": "mask"},
    "names stay taken": {"delete_frees_name": False},
    "deleted are listed": {"list_deleted": True},
    "deleted are gone": {"deleted_get": 404},
    "names not unique": {"unique_names": False},
    "more fields": {"extra_fields": True},
    "times in several forms": {"mixed_timestamps": True},
    "times in several forms, with fractions": {"mixed_timestamps": True, "precision": "microseconds"},
    "trims and lowers": {"normalise": ("trim", "lower", "defaults", "order")},
}


def applied(setup, *more):
    """Apply, and check that the next plan is empty."""
    done = setup.repo.run_in_process("apply", "--auto-approve", *more)
    assert done.code == 0, done.stdout + done.stderr
    left = setup.repo.run_in_process("plan", "--detailed-exitcode")
    assert left.code == 0, left.stdout + left.stderr


@pytest.mark.parametrize("setup", DEPLOYMENTS.values(), ids=DEPLOYMENTS.keys(), indirect=True)
def test_lifecycle_on_every_dialect(setup, canary, request):
    """Create, change, rotate, rename, retire, restore; after each the plan is empty.

    No secret is ever sent but those in git: no mask and nothing that a reply has shown.
    """
    config = {"engine": "postgresql", "host": "db.example.com", "port": 5432, "username": "svc"}
    written = [canary() for _ in range(4)]
    first, other, last, secret = written
    setup.repo.credential("prod-db", {"password": first}, config)
    setup.repo.credential("prod-other", {"password": other}, {**config, "host": "other.example.com"})
    more = {"category": "source"} if "backend" in request.node.name else {}
    place = {"host": "db.example.com", "port": 5432, "database": "app"}
    setup.repo.connection("prod-pg", "prod-db", place, **more)
    applied(setup)
    setup.repo.connection("prod-pg", "prod-db", {**place, "database": "second"}, **more)
    applied(setup)
    setup.repo.credential("prod-db", {"password": last}, config)
    applied(setup)
    setup.repo.remove("prod-other")
    setup.repo.credential(
        "prod-more", {"password": secret}, {**config, "host": "other.example.com"}, moved_from="prod-other"
    )
    applied(setup)
    setup.repo.remove("prod-more")
    applied(setup)
    setup.repo.credential("prod-more", {"password": secret}, {**config, "host": "other.example.com"})
    applied(setup)
    held = {each["name"]: each["secrets"] for each in setup.service.list_held_secrets("salt")}
    assert held["prod-db"] == {"password": digest_secret("salt", last)}
    assert held["prod-more"] == {"password": digest_secret("salt", secret)}
    assert set(setup.service.count_secrets("salt")) <= {digest_secret("salt", each) for each in written}


SETS = {"unordered_fields": ["scopes", "topics", "objects"]}
UNORDERED = [
    SETS,
    {**SETS, "dialect": "backend"},
    {**SETS, "dialect": "jsonapi", "credential_put": "replace"},
]


@pytest.mark.parametrize("setup", UNORDERED, ids=["docs", "backend", "jsonapi"], indirect=True)
def test_sets_in_another_order_in_each_response(setup, canary):
    """No change, no drift, and the same approval digest in each plan."""
    oauth = {"client_id": "abc", "scopes": ["web", "api", "refresh_token"]}
    secret = canary()
    setup.repo.credential("prod-crm", {"client_secret": secret}, oauth, type="oauth")
    setup.repo.credential("prod-bus", {"password": canary()}, {"username": "svc"}, type="password")
    topics = {"bootstrapServers": "db.example.com:9092", "topics": ["b", "c", "a"]}
    setup.repo.connection("prod-topics", "prod-bus", topics, type="kafka", category="source")
    done = setup.repo.run_in_process("apply", "--auto-approve", "--no-test")
    assert done.code == 0, done.stdout + done.stderr
    for _ in range(4):
        left = setup.repo.run_in_process("plan", "--detailed-exitcode")
        assert left.code == 0, left.stdout + left.stderr
    setup.repo.credential(
        "prod-crm", {"client_secret": secret}, {**oauth, "scopes": ["api", "more"]}, type="oauth"
    )
    digests = {
        json.loads(setup.repo.run_in_process("plan", "--format", "json").stdout)["approval"]["digest"]
        for _ in range(4)
    }
    assert len(digests) == 1


@pytest.mark.parametrize("setup", [{}], indirect=True)
@pytest.mark.parametrize("status", ["expired", "Disabled"])
def test_an_unknown_status_is_shown(setup, canary, status):
    """The plan warns and changes nothing; a change is applied as for an active object."""
    config = {"engine": "postgresql", "host": "db.example.com", "port": 5432, "username": "svc"}
    setup.repo.credential("prod-db", {"password": canary()}, config)
    applied(setup)
    setup.service.change_settings(statuses={"prod-db": status})
    left = setup.repo.run_in_process("plan", "--detailed-exitcode")
    assert left.code == 0
    assert f"the service shows the status `{status.lower()}` for credential/prod-db" in " ".join(
        left.stdout.split()
    )
    setup.repo.credential("prod-db", {"password": canary()}, {**config, "port": 5433})
    applied(setup)
