"""keyturn log."""

import json
from pathlib import Path

from jsonschema import Draft202012Validator

SCHEMA = Path(__file__).parents[3] / "schemas" / "log.schema.json"


def valid_list(text):
    """Check records against the published schema, each of which has keys of its own, and return them."""
    found = json.loads(text)
    Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(found)
    return found


def test_log(office, canary):
    """Who did what; as JSON one value; the chain is checked on request."""
    office.repo.credential("prod-db", {"password": canary()})
    assert office.here("log").stdout == ""
    assert json.loads(office.here("log", "--format", "json").stdout) == []
    assert office.here("apply", "--yes").code == 0
    assert "create credential/prod-db" in office.here("log").stdout
    told = valid_list(office.here("log", "--format", "json").stdout)
    assert len({each["event"] for each in told}) >= 3
    assert [each["seq"] for each in told] == list(range(told[0]["seq"], told[0]["seq"] + len(told)))
    narrowed = office.here("log", "--format", "json", "--address", "credential/prod-db").stdout
    assert len(valid_list(narrowed)) == 2
    assert office.here("log", "--verify").stdout.startswith("The journal is whole")


def test_a_journal_that_was_changed(office, canary):
    """5, so that a pipeline stops."""
    office.repo.credential("prod-db", {"password": canary()})
    assert office.here("apply", "--yes").code == 0
    (journal,) = (office.repo.root / ".keyturn/prod").glob("journal*")
    journal.write_bytes(journal.read_bytes().replace(b"create", b"retire", 1))
    assert office.here("log", "--verify").code == 5
