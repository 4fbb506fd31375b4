"""The SQLite file behind the emulator."""

from dataclasses import replace

import pytest

from planasonix_emulator.store import Query, Store

ALL = Query(collection="credentials", organization="org_1")


@pytest.fixture
def store():
    """A store in memory."""
    made = Store()
    yield made
    made.close()


def test_records_come_back_as_they_were(store, record):
    """A record is found by id within its collection and organization, and nowhere else."""
    kept = record(sealed=b"\0\1", config='{"a":1}', credential_id="cred_9", deleted_at=5, category="source")
    store.keep(kept)
    assert store.find("credentials", "org_1", "cred_1") == kept
    assert store.by_id("cred_1") == kept
    assert store.find("credentials", "org_2", "cred_1") is None
    assert store.find("connections", "org_1", "cred_1") is None
    store.forget("cred_1")
    assert store.by_id("cred_1") is None


def test_pages_and_filters(store, record):
    """A query gives records in order, from a place on, filtered, without the deleted."""
    names = ["Alpha", "beta", "alphabet", "gone"]
    store.keep(*[record(f"cred_{place}", name=name) for place, name in enumerate(names)])
    store.keep(replace(record("cred_3", name="gone"), status="deleted"))
    assert [each.name for each in store.page(ALL)] == names[:3]
    assert [each.name for each in store.page(replace(ALL, after="cred_0", limit=1))] == ["beta"]
    assert [each.name for each in store.page(replace(ALL, search="ALPHA"))] == ["Alpha", "alphabet"]
    assert store.count(replace(ALL, deleted=True)) == 4
    assert store.count(replace(ALL, type="aws")) == 0


def test_many_records_are_kept_together_or_not_at_all(store, record):
    """A record that cannot be kept takes those beside it along."""
    broken = replace(record("cred_2"), name=None)
    with pytest.raises(Exception, match="NOT NULL"):
        store.keep(record("cred_1"), broken)
    assert store.everything() == ()


def test_names_and_users(store, record):
    """Namesakes are found, deleted ones too; so are the live connections of a credential."""
    store.keep(record("cred_1", name="a"), record("cred_2", name="a", status="deleted"))
    store.keep(record("conn_1", credential_id="cred_1"))
    store.keep(record("conn_2", credential_id="cred_1", status="deleted"))
    assert [each.id for each in store.named("credentials", "org_1", "a")] == ["cred_1", "cred_2"]
    assert [each.id for each in store.users_of("cred_1")] == ["conn_1"]
    assert [each.id for each in store.called("a")] == ["cred_1", "cred_2"]


def test_documents_and_what_they_mention(store):
    """A document is found by any string in it, and no longer once it is replaced."""
    node = {"config": {"connectionId": "conn_1"}}
    store.keep_documents("pipelines", "org_1", [{"id": "pl_1", "nodes": [[node]]}, {"id": "pl_2"}])
    assert [each["id"] for each in store.documents("pipelines", "org_1")] == ["pl_1", "pl_2"]
    assert [each["id"] for each in store.mentioning("pipelines", "conn_1")] == ["pl_1"]
    assert store.mentioning("schedules", "conn_1") == []
    assert store.document("pipelines", "org_1", "pl_2") == {"id": "pl_2"}
    assert store.document("pipelines", "org_2", "pl_2") is None
    store.keep_documents("pipelines", "org_1", [{"id": "pl_1"}])
    assert store.mentioning("pipelines", "conn_1") == []


def test_a_file_is_read_again(tmp_path, record):
    """What was kept is there after the file was closed; clear removes everything."""
    path = str(tmp_path / "a.db")
    first = Store(path)
    assert first.proof(b"one") == b"one"
    first.keep(record())
    first.close()
    again = Store(path)
    assert again.proof(b"two") == b"one"
    assert [each.id for each in again.everything()] == ["cred_1"]
    again.clear()
    assert again.everything() == ()
    again.close()
