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


def test_log(setup, canary):
    """Who did what; as JSON one value; the chain is checked on request."""
    setup.repo.credential("prod-db", {"password": canary()})
    assert setup.run("log").stdout == ""
    assert json.loads(setup.run("log", "--format", "json").stdout) == []
    assert setup.run("apply", "--yes").code == 0
    assert "create credential/prod-db" in setup.run("log").stdout
    told = valid_list(setup.run("log", "--format", "json").stdout)
    assert len({each["event"] for each in told}) >= 3
    assert [each["seq"] for each in told] == list(range(told[0]["seq"], told[0]["seq"] + len(told)))
    narrowed = setup.run("log", "--format", "json", "--address", "credential/prod-db").stdout
    assert len(valid_list(narrowed)) == 2
    assert setup.run("log", "--verify").stdout.startswith("The journal is intact")


def test_a_journal_that_was_changed(setup, canary):
    """5, so that a pipeline stops."""
    setup.repo.credential("prod-db", {"password": canary()})
    assert setup.run("apply", "--yes").code == 0
    (journal,) = (setup.repo.root / ".keyturn/prod").glob("journal*")
    journal.write_bytes(journal.read_bytes().replace(b"create", b"retire", 1))
    assert setup.run("log", "--verify").code == 5
