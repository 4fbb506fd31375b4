"""keyturn init."""

import pytest

from driving import drive
from workspace import SOPS


@pytest.fixture
def surroundings(tmp_path, age_key):
    """Return the environment of somebody who has an age key."""
    (tmp_path / "home").mkdir()
    return {
        "PATH": str(SOPS.rpartition("/")[0]),
        "HOME": str(tmp_path / "home"),
        "SOPS_AGE_KEY_FILE": str(age_key.file),
    }


def test_a_new_repository_is_valid_and_again_nothing_is_done(tmp_path, surroundings, age_key):
    """What was made is listed; the second time everything is there and kept."""
    done = drive(["init", "new", "--organization", "org_x"], cwd=tmp_path, env=surroundings)
    assert done.code == 0, done.stderr
    assert "made  keyturn.yaml" in done.stdout
    assert age_key.recipient in (tmp_path / "new/.sops.yaml").read_text()
    valid = drive(["validate", "--strict", "-C", "new"], cwd=tmp_path, env={})
    assert valid.code == 0, valid.stdout
    again = drive(["init", "new"], cwd=tmp_path, env=surroundings)
    assert again.code == 0
    assert "Nothing to do" in again.stderr


def test_what_is_there_is_kept(tmp_path, surroundings):
    """A file of the user's own is not touched."""
    (tmp_path / ".gitignore").write_text("mine\n")
    done = drive(["init"], cwd=tmp_path, env=surroundings)
    assert done.code == 0, done.stderr
    assert "kept  .gitignore" in done.stdout
    assert (tmp_path / ".gitignore").read_text() == "mine\n"


def test_a_folder_that_is_a_file(tmp_path, surroundings):
    """Usage."""
    (tmp_path / "new").write_text("")
    assert drive(["init", "new"], cwd=tmp_path, env=surroundings).code == 64
