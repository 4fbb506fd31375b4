"""The SQLite database of the emulator."""

from dataclasses import replace

import pytest

from planasonix_emulator.storage.store import RecordQuery, RecordStore

ALL = RecordQuery(collection="credentials", organization="org_1")


@pytest.fixture
def store():
    """A database in memory."""
    made = RecordStore()
    yield made
    made.close()


def test_records_come_back_as_they_were(store, record):
    """A record is found by id within its collection and organization, and nowhere else."""
    kept = record(
        encrypted=b"\0\1", config='{"a":1}', credential_id="cred_9", deleted_at=5, category="source"
    )
    store.save_records(kept)
    assert store.find_record("credentials", "org_1", "cred_1") == kept
    assert store.find_by_id("cred_1") == kept
    assert store.find_record("credentials", "org_2", "cred_1") is None
    assert store.find_record("connections", "org_1", "cred_1") is None
    store.delete_record("cred_1")
    assert store.find_by_id("cred_1") is None


def test_pages_and_filters(store, record):
    """A query returns the matching records in order, after an id, without deleted ones."""
    names = ["Alpha", "beta", "alphabet", "gone"]
    store.save_records(*[record(f"cred_{place}", name=name) for place, name in enumerate(names)])
    store.save_records(replace(record("cred_3", name="gone"), status="deleted"))
    assert [each.name for each in store.select_records(ALL)] == names[:3]
    assert [each.name for each in store.select_records(replace(ALL, after="cred_0", limit=1))] == ["beta"]
    assert [each.name for each in store.select_records(replace(ALL, search="ALPHA"))] == ["Alpha", "alphabet"]
    assert store.count_records(replace(ALL, deleted=True)) == 4
    assert store.count_records(replace(ALL, type="aws")) == 0


def test_many_records_are_kept_together_or_not_at_all(store, record):
    """Several records are stored all or none."""
    broken = replace(record("cred_2"), name=None)
    with pytest.raises(Exception, match="NOT NULL"):
        store.save_records(record("cred_1"), broken)
    assert store.list_records() == ()


def test_names_and_users(store, record):
    """Records are found by name, also deleted ones; active connections are found by credential."""
    store.save_records(record("cred_1", name="a"), record("cred_2", name="a", status="deleted"))
    store.save_records(record("conn_1", credential_id="cred_1"))
    store.save_records(record("conn_2", credential_id="cred_1", status="deleted"))
    assert [each.id for each in store.list_named("credentials", "org_1", "a")] == ["cred_1", "cred_2"]
    assert [each.id for each in store.list_users("cred_1")] == ["conn_1"]
    assert [each.id for each in store.list_by_name("a")] == ["cred_1", "cred_2"]


def test_documents_and_what_they_mention(store):
    """A document is found by each string in it until it is replaced."""
    node = {"config": {"connectionId": "conn_1"}}
    store.save_documents("pipelines", "org_1", [{"id": "pl_1", "nodes": [[node]]}, {"id": "pl_2"}])
    assert [each["id"] for each in store.list_documents("pipelines", "org_1")] == ["pl_1", "pl_2"]
    assert [each["id"] for each in store.list_mentioning("pipelines", "conn_1")] == ["pl_1"]
    assert store.list_mentioning("schedules", "conn_1") == []
    assert store.find_document("pipelines", "org_1", "pl_2") == {"id": "pl_2"}
    assert store.find_document("pipelines", "org_2", "pl_2") is None
    store.save_documents("pipelines", "org_1", [{"id": "pl_1"}])
    assert store.list_mentioning("pipelines", "conn_1") == []


def test_a_file_is_read_again(tmp_path, record):
    """Records are there after the database is opened again; `clear` deletes them."""
    path = str(tmp_path / "a.db")
    first = RecordStore(path)
    assert first.load_proof(b"one") == b"one"
    first.save_records(record())
    first.close()
    again = RecordStore(path)
    assert again.load_proof(b"two") == b"one"
    assert [each.id for each in again.list_records()] == ["cred_1"]
    again.clear()
    assert again.list_records() == ()
    again.close()
