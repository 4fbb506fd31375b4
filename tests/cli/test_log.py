"""keyturn log."""

import json


def test_log(office, canary):
    """Who did what; as JSON one value; the chain is checked on request."""
    office.repo.credential("prod-db", {"password": canary()})
    assert office.here("log").stdout == ""
    assert json.loads(office.here("log", "--format", "json").stdout) == []
    assert office.here("apply", "--yes").code == 0
    assert "create credential/prod-db" in office.here("log").stdout
    assert (
        len(json.loads(office.here("log", "--format", "json", "--address", "credential/prod-db").stdout)) == 2
    )
    assert office.here("log", "--verify").stdout.startswith("The journal is whole")


def test_a_journal_that_was_changed(office, canary):
    """5, so that a pipeline stops."""
    office.repo.credential("prod-db", {"password": canary()})
    assert office.here("apply", "--yes").code == 0
    (journal,) = (office.repo.root / ".keyturn/prod").glob("journal*")
    journal.write_bytes(journal.read_bytes().replace(b"create", b"retire", 1))
    assert office.here("log", "--verify").code == 5
