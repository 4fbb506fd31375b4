"""The command ``keyturn usage``."""

import json

import pytest

from published_schemas import parse_valid


@pytest.fixture
def lived_in(setup, canary):
    """Apply a credential with its connection; a pipeline and a schedule use it; one was made in the UI."""
    setup.repo.project(policy={"rules": {"KT384": "off"}})
    setup.repo.credential("prod-db", {"password": canary()}, labels={"owner": "data"})
    more = {"category": "source"} if setup.service.read_settings()["dialect"] == "backend" else {}
    setup.repo.connection("prod-pg", "prod-db", **more)
    setup.repo.credential(
        "prod-s3",
        {"secret_access_key": canary()},
        {"region": "eu-central-1", "access_key_id": "AKIAEXAMPLE"},
        type="aws",
    )
    assert setup.repo.run_in_process("apply", "--auto-approve").code == 0
    setup.service.seed_objects(
        credentials=[
            {"name": "ui-made", "type": "password", "config": {"username": "u", "password": canary()}}
        ]
    )
    ids = {each["name"]: each["id"] for each in setup.service.read_state()["connections"]}
    node = {"id": "n", "config": {"connectionId": ids["prod-pg"]}}
    setup.service.seed_objects(
        pipelines=[{"id": "pl_1", "name": "nightly", "status": "active", "nodes": [node]}]
    )
    setup.service.seed_objects(
        schedules=[
            {
                "id": "sch_1",
                "pipeline_id": "pl_1",
                "enabled": True,
                "next_run_at": "2030-01-01T00:00:00Z",
                "cron_expression": "0 * * * *",
                "timezone": "UTC",
            }
        ]
    )
    return setup


def asked(setup, *more):
    """Return the usage report by credential."""
    done = setup.repo.run_in_process("usage", "--format", "json", *more)
    assert done.code == 0, done.stderr
    tree = parse_valid("usage", done.stdout)
    return {each["address"].partition("/")[2]: each for each in tree["credentials"]}, tree


def test_users_of_each_credential(lived_in):
    """Users are found through connection, pipeline and schedule; unused credentials are marked."""
    found, _ = asked(lived_in)
    used = found["prod-db"]
    assert (used["connections"], used["pipelines"], used["schedules"]) == (["prod-pg"], ["nightly"], 1)
    assert used["next_run"] == "2030-01-01T00:00:00Z"
    assert used["last_rotated"]
    assert used["readers"] == [f"age:{lived_in.repo.age.recipient}"]
    assert found["prod-s3"]["flags"] == ["unused", "long-lived"]
    assert found["ui-made"]["flags"] == ["unused", "unmanaged"]


def test_fail_on_unused(lived_in):
    """``--fail-on unused`` sets the exit code."""
    assert lived_in.repo.run_in_process("usage", "--fail-on", "overdue,expiring").code == 0
    done = lived_in.repo.run_in_process("usage", "--fail-on", "unused")
    assert done.code == 5
    assert "2 unused" in done.stdout
    assert lived_in.repo.keyturn("usage", "--fail-on", "typo").code == 64


def test_report_without_a_decryption_key(lived_in):
    """The expiry of encrypted certificates is unknown."""
    environment = lived_in.repo.environment()
    del environment["SOPS_AGE_KEY_FILE"]
    done = lived_in.repo.run_in_process("usage", "--format", "json", env=environment)
    assert done.code == 0, done.stderr
    assert "secrets could not be decrypted" in json.loads(done.stdout)["notes"][0]


def test_an_api_key_without_pipeline_scope(lived_in):
    """Pipelines are unknown, and the credential is not unused."""
    lived_in.service.accept_key("plnx_live_reader", scopes=["connections:read"])
    environment = lived_in.repo.environment(PLANASONIX_API_KEY="plnx_live_reader")
    done = lived_in.repo.run_in_process("usage", "--format", "json", env=environment)
    found = {each["address"]: each for each in json.loads(done.stdout)["credentials"]}
    assert found["credential/prod-s3"]["used"] is None
    assert found["credential/prod-db"]["pipelines"] is None
    assert found["credential/prod-db"]["schedules"] is None


@pytest.mark.parametrize("setup", [{"dialect": "backend", "backend_link": "accept"}], indirect=True)
def test_an_api_without_credential_links(lived_in):
    """Links come from the manifests; other credentials have unknown use."""
    found, tree = asked(lived_in)
    assert found["prod-db"]["connections"] == ["prod-pg"]
    assert found["prod-db"]["connections_complete"] is False
    assert found["prod-s3"]["used"] is None
    assert any("does not return the credential" in note for note in tree["notes"])


@pytest.mark.parametrize("form", ["text", "markdown", "csv", "html"])
def test_every_format_lists_every_credential(lived_in, form):
    """No credential is missing."""
    done = lived_in.repo.keyturn("usage", "--format", form)
    assert done.code == 0, done.stderr
    assert all(name in done.stdout for name in ("prod-db", "prod-s3", "ui-made"))


@pytest.mark.parametrize("setup", [{}, {"dialect": "backend"}, {"dialect": "jsonapi"}], indirect=True)
def test_a_reference_inside_settings_is_a_use(setup, canary):
    """Every dialect, with settings as text or as mappings."""
    setup.repo.credential("prod-db", {"password": canary()})
    role = {"region": "eu-central-1", "role_arn": "arn:aws:iam::123456789012:role/r"}
    setup.repo.credential("prod-s3", {}, role, type="aws")
    staging = {"credentialId": {"ref": "credential/prod-s3"}, "bucket": "b"}
    more = {"category": "source"} if setup.service.read_settings()["dialect"] == "backend" else {}
    config = {"account": "xy1", "warehouse": "W", "staging": staging}
    setup.repo.connection("prod-flake", "prod-db", config, type="snowflake", **more)
    done = setup.repo.run_in_process("apply", "--auto-approve", "--no-test")
    assert done.code == 0, done.stdout
    found, _ = asked(setup)
    assert found["prod-s3"]["connections"] == ["prod-flake"]
    assert "unused" not in found["prod-s3"]["flags"]
    assert setup.repo.run_in_process("plan", "--detailed-exitcode").code == 0
