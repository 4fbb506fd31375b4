"""A rename that makes a name available keeps all other fields."""

import pytest

from git_history import commit_all

OLD, NEW = "prod-db", "prod-db-until-"
WHOLE = {"credential_put": "whole", "connection_put": "whole"}
ROTATION = {"strategy": "replace", "grace": "7d"}


def rotated(setup, canary, **more):
    """Apply a credential and a connection, then rotate; return the old content and the second run."""
    setup.repo.connection("prod-pg", "prod-db")
    setup.repo.credential("prod-db", {"password": canary()}, rotation=ROTATION)
    if more.pop("committed", True):
        commit_all(setup)
    assert setup.run("apply", "--yes").code == 0
    held = held_by(setup, OLD)
    for collection, edit in more.items():
        setup.service.edit_in_ui(collection, "prod-db", config=edit)
    setup.repo.credential("prod-db", {"password": canary()}, rotation=ROTATION)
    done = setup.run("apply", "--yes")
    assert done.code == 0, done.stdout + done.stderr
    return held, done


def held_by(setup, name):
    """Return settings and secret digests of the credential whose name starts with ``name``."""
    (found,) = [each for each in setup.service.list_held_secrets("s") if each["name"].startswith(name)]
    return found["config"], found["secrets"]


@pytest.mark.parametrize("setup", [{}, {"credential_put": "replace"}, WHOLE], indirect=True)
def test_the_old_credential_keeps_settings_and_secret(setup, canary):
    """The full body of the committed manifest is sent, whatever the PUT semantics are."""
    before, done = rotated(setup, canary)
    assert held_by(setup, NEW) == before
    assert "removed config" not in done.stdout


@pytest.mark.parametrize("setup", [WHOLE], indirect=True)
def test_without_a_commit_lost_fields_are_a_warning(setup, canary):
    """Only the name is sent; the warning names the fields that the service removed."""
    _, done = rotated(setup, canary, committed=False)
    assert held_by(setup, NEW) == ({}, {})
    assert "removed config.engine, config.host, config.port, config.username" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    "setup", [{}, {"credential_put": "wipe"}, {"credential_put": "replace"}], indirect=True
)
def test_a_body_with_only_the_name_loses_nothing(setup, canary):
    """On every documented deployment, omitted objects stay unchanged."""
    before, done = rotated(setup, canary, committed=False)
    assert held_by(setup, NEW) == before
    assert "removed config" not in done.stdout


@pytest.mark.parametrize("setup", [WHOLE], indirect=True)
def test_put_partial_sends_only_the_name(setup, canary):
    """`put: partial` says that the deployment merges; the warning shows if it does not."""
    setup.repo.project(put="partial")
    _, done = rotated(setup, canary)
    assert held_by(setup, NEW) == ({}, {})
    assert "the rename to" in " ".join(done.stdout.split())


def test_the_old_credential_is_written_as_committed(setup, canary):
    """A host edited in the UI is not combined with the committed secret."""
    (config, secrets), _ = rotated(setup, canary, credentials={"host": "evil.example.com"})
    assert held_by(setup, NEW) == (config, secrets)
    assert config["host"] == "db.example.com"


@pytest.mark.parametrize("setup", [WHOLE], indirect=True)
def test_the_old_connection_stays_complete_after_a_type_change(setup, canary):
    """It is soft-deleted with everything that a restore needs."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    assert setup.run("apply", "--yes").code == 0
    before = setup.live("connections")["prod-pg"]
    setup.repo.connection(
        "prod-pg", "prod-db", {"host": "db.example.com", "port": 5432, "database": "app"}, type="mysql"
    )
    done = setup.run("apply", "--yes")
    assert done.code == 0, done.stdout + done.stderr
    (gone,) = [each for each in setup.service.read_state()["connections"] if each["id"] == before["id"]]
    assert (gone["config"], gone["credentialId"]) == (before["config"], before["credentialId"])


@pytest.mark.parametrize("setup", [{"reply_secrets": "leak"}], indirect=True)
def test_a_leaked_value_is_not_written_back(setup, canary):
    """A secret in a response is not part of a request."""
    before, _ = rotated(setup, canary)
    assert held_by(setup, NEW) == before
