"""keyturn pull."""

import pytest

from keyturn.cli import context
from keyturn.cli.progress import ProgressDisplay


@pytest.fixture
def drifted(setup, canary):
    """Return a setup with a connection that was edited in two fields."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    assert setup.run("apply", "--yes").code == 0
    setup.service.set_clock(advance=60)
    setup.service.edit_in_ui(
        "connections", "prod-pg", config={"database": "second", "host": "other.example.com"}
    )
    return setup


def test_exit_codes(drifted):
    """5 while a consent is missing, 0 with it and when there is nothing left."""
    assert drifted.run("pull").code == 5
    assert drifted.run("pull", "--allow-destination-change", "prod-db").code == 0
    assert drifted.run("pull").stdout == "Pull: no drift.\n"


def test_a_field_that_is_gone_live_is_taken_out(drifted):
    """Of the manifest that keyturn wrote it from."""
    drifted.service.edit_in_ui("connections", "prod-pg", config={"database": None, "host": "db.example.com"})
    done = drifted.run("pull")
    assert (done.code, "(removed)" in done.stdout) == (0, True)
    assert "database:" not in (drifted.repo.root / "manifests/prod/connections/prod-pg.yaml").read_text()


def test_what_is_left_makes_it_a_part(drifted):
    """3: a connection that was detached in the UI is not detached in git without a word."""
    drifted.service.edit_in_ui("connections", "prod-pg", credentialId=None, config={"host": "db.example.com"})
    done = drifted.run("pull")
    assert (done.code, "skipped: " in done.stdout) == (3, True)


def test_nothing_stands_beside_json(drifted, monkeypatch):
    """No progress, for a program reads both."""
    forms = []

    def heard(form, phase):
        forms.append(form)
        return ProgressDisplay(form, phase)

    monkeypatch.setattr(context, "ProgressDisplay", heard)
    done = drifted.run("pull", "--format", "json", "--allow-destination-change", "prod-db")
    assert (done.code, done.stderr, forms) == (0, "", ["json"])


def test_a_dry_run_says_so(drifted):
    """Nothing was written, in so many words."""
    assert "Nothing was written" in drifted.run("pull", "--dry-run").stderr
