"""The journal, told."""

import json

import pytest

from keyturn.cli.commands.log import check_journal, format_journal, format_journal_json
from keyturn.state.signatures import is_signed_record, sign_record
from keyturn.state.stores import open_store
from keyturn.trust.signing import SigningKey


@pytest.fixture
def store(setup, canary):
    """Return the store of a workspace in which two credentials were applied."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.credential("prod-other", {"password": canary()})
    assert setup.run("apply", "--yes").code == 0
    return open_store("file:.keyturn/prod", setup.repo.root, {})


def test_for_people(store):
    """Run, intents, endings, in order."""
    words = [line.split("Z")[-1].split()[0] for line in format_journal(store, "")]
    assert words[0] == "apply"
    assert words.count("create") == 2
    assert words.count("done") == 2
    assert words.index("ended") > words.index("done")


def test_of_one_resource(store):
    """Only what names it."""
    lines = list(format_journal(store, "credential/prod-db"))
    assert len(lines) == 2
    assert all("credential/prod-db" in line for line in lines)


def test_for_programs(store):
    """One JSON array; each record has its time and number."""
    tree = json.loads(format_journal_json(store, ""))
    assert [each["seq"] for each in tree] == sorted(each["seq"] for each in tree)
    assert all(each["at"] for each in tree)
    assert json.loads(format_journal_json(store, "credential/nobody")) == []


def test_the_chain(setup, store):
    """Whole, and broken at the record that was edited."""
    said, whole = check_journal(store, lambda _: True)
    assert whole
    assert "intact" in said
    (journal,) = (setup.repo.root / ".keyturn/prod").glob("journal*")
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([lines[0], lines[1].replace(b"create", b"retire"), *lines[2:]]))
    said, whole = check_journal(store, lambda _: True)
    assert not whole
    assert "damaged at record" in said


def test_the_last_record_is_signed(setup, store):
    """Its signature covers all records, because each has the hash of the one before."""
    key = SigningKey(bytes(32))

    def is_signed(line, workspace="prod"):
        return is_signed_record(line, key.public_key, workspace)

    assert check_journal(store, is_signed)[1] is False
    lines = [line.data for line in store.open_log().read(0)]
    path = setup.repo.root / ".keyturn/prod/journal.jsonl"
    path.write_bytes(b"".join([*lines[:-1], sign_record(lines[-1], key, "prod")]))
    assert check_journal(store, is_signed)[1] is True
    assert check_journal(store, lambda line: is_signed(line, "staging"))[1] is False
