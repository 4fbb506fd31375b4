"""An object that makes room for another one stays whole."""

import pytest

from driving_git import commit

OLD, NEW = "prod-db", "prod-db-until-"
WHOLE = {"credential_put": "whole", "connection_put": "whole"}
ROTATION = {"strategy": "replace", "grace": "7d"}


def rotated(office, canary, **more):
    """Apply a credential and a connection, then hand over to another secret; return the second run."""
    office.repo.connection("prod-pg", "prod-db")
    office.repo.credential("prod-db", {"password": canary()}, rotation=ROTATION)
    if more.pop("committed", True):
        commit(office)
    assert office.here("apply", "--yes").code == 0
    held = held_by(office, OLD)
    for collection, edit in more.items():
        office.service.edit_in_ui(collection, "prod-db", config=edit)
    office.repo.credential("prod-db", {"password": canary()}, rotation=ROTATION)
    done = office.here("apply", "--yes")
    assert done.code == 0, done.stdout + done.stderr
    return held, done


def held_by(office, name):
    """Return the settings and the digests of the secrets of the credential whose name begins so."""
    (found,) = [each for each in office.service.list_held_secrets("s") if each["name"].startswith(name)]
    return found["config"], found["secrets"]


@pytest.mark.parametrize("office", [{}, {"credential_put": "replace"}, WHOLE], indirect=True)
def test_an_old_generation_keeps_settings_and_secret(office, canary):
    """It is written in full, from the commit that the state names, whatever a PUT leaves of the rest."""
    before, done = rotated(office, canary)
    assert held_by(office, NEW) == before
    assert "is gone" not in done.stdout


@pytest.mark.parametrize("office", [WHOLE], indirect=True)
def test_what_git_no_longer_has_is_not_made_up(office, canary):
    """Without a commit the name alone is sent; where that loses something, it is said."""
    _, done = rotated(office, canary, committed=False)
    assert held_by(office, NEW) == ({}, {})
    assert "config.host, config.port, config.username of credential/prod-db-until-" in " ".join(
        done.stdout.split()
    )


@pytest.mark.parametrize(
    "office", [{}, {"credential_put": "wipe"}, {"credential_put": "replace"}], indirect=True
)
def test_a_mere_name_takes_nothing_away_elsewhere(office, canary):
    """What is not sent at all stays as it is on every documented kind of deployment."""
    before, done = rotated(office, canary, committed=False)
    assert held_by(office, NEW) == before
    assert "is gone" not in done.stdout


@pytest.mark.parametrize("office", [WHOLE], indirect=True)
def test_where_a_deployment_is_said_to_merge_only_the_name_is_sent(office, canary):
    """`put: partial` is the user's word on it, and is taken."""
    office.repo.project(put="partial")
    _, done = rotated(office, canary)
    assert held_by(office, NEW) == ({}, {})
    assert "is gone since it has this name" in " ".join(done.stdout.split())


def test_a_secret_is_not_written_beside_a_place_that_somebody_put_there(office, canary):
    """The old generation is what git said, not what was edited in the meantime."""
    (config, secrets), _ = rotated(office, canary, credentials={"host": "evil.example.com"})
    assert held_by(office, NEW) == (config, secrets)
    assert config["host"] == "db.example.com"


@pytest.mark.parametrize("office", [WHOLE], indirect=True)
def test_a_connection_of_another_type_leaves_the_old_one_whole(office, canary):
    """It is in the trash in the end, with all that is needed to bring it back."""
    office.repo.credential("prod-db", {"password": canary()})
    office.repo.connection("prod-pg", "prod-db")
    assert office.here("apply", "--yes").code == 0
    before = office.live("connections")["prod-pg"]
    office.repo.connection(
        "prod-pg", "prod-db", {"host": "db.example.com", "port": 5432, "database": "app"}, type="mysql"
    )
    done = office.here("apply", "--yes")
    assert done.code == 0, done.stdout + done.stderr
    (gone,) = [each for each in office.service.read_state()["connections"] if each["id"] == before["id"]]
    assert (gone["config"], gone["credentialId"]) == (before["config"], before["credentialId"])


@pytest.mark.parametrize("office", [{"reply_secrets": "leak"}], indirect=True)
def test_a_leaked_value_is_not_written_back(office, canary):
    """What a service shows of a secret is no part of what is sent."""
    before, _ = rotated(office, canary)
    assert held_by(office, NEW) == before
