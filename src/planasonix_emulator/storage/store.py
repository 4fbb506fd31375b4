"""The SQLite database of the emulator, in a file or in memory; it receives secrets only encrypted."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from planasonix_emulator.storage.records import DELETED, StoredRecord

_COLUMNS = tuple(each.name for each in fields(StoredRecord))
_SELECT = "SELECT * FROM objects"
_UPSERT = f"INSERT OR REPLACE INTO objects VALUES ({','.join('?' * len(_COLUMNS))})"  # noqa: S608  # a constant
_SCHEMA = """
PRAGMA journal_mode=WAL;
PRAGMA synchronous=NORMAL;
CREATE TABLE IF NOT EXISTS objects (
  id TEXT PRIMARY KEY, collection TEXT NOT NULL, organization TEXT NOT NULL, name TEXT NOT NULL,
  type TEXT NOT NULL, config TEXT NOT NULL, encrypted BLOB NOT NULL, status TEXT NOT NULL, credential_id TEXT,
  category TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, deleted_at INTEGER
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_place ON objects (organization, collection, id, status);
CREATE INDEX IF NOT EXISTS by_name ON objects (organization, collection, name);
CREATE INDEX IF NOT EXISTS by_credential ON objects (credential_id) WHERE credential_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS documents (
  id TEXT PRIMARY KEY, collection TEXT NOT NULL, organization TEXT NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mentions (
  mentioned TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (mentioned, document)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS proof (value BLOB NOT NULL);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordQuery:
    """Which records a list contains: an empty filter matches all; `after` is the last id already read."""

    collection: str
    organization: str
    type: str = ""
    search: str = ""
    deleted: bool = False
    after: str = ""
    limit: int = -1


class RecordStore:
    """Store records and documents; for one thread. Each call is one transaction."""

    def __init__(self, path: str = ":memory:") -> None:
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.create_function("casefold", 1, str.casefold, deterministic=True)
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the database; all writes are committed already."""
        self._database.close()

    def load_proof(self, new: bytes) -> bytes:
        """Return the stored proof of the encryption key; store and return `new` in a new database."""
        row = self._database.execute("SELECT value FROM proof").fetchone()
        if row is None:
            self._database.execute("INSERT INTO proof VALUES (?)", (new,))
        return row[0] if row else new

    def clear(self) -> None:
        """Delete all records and documents."""
        self._database.executescript("DELETE FROM objects; DELETE FROM documents; DELETE FROM mentions;")

    def save_records(self, *records: StoredRecord) -> None:
        """Insert or replace records, all or none."""
        rows = [tuple(getattr(record, column) for column in _COLUMNS) for record in records]
        if len(rows) == 1:
            self._database.execute(_UPSERT, rows[0])
            return
        with self._begin_transaction() as database:
            database.executemany(_UPSERT, rows)

    def delete_record(self, identifier: str) -> None:
        """Delete one record permanently."""
        self._database.execute("DELETE FROM objects WHERE id=?", (identifier,))

    def find_record(self, collection: str, organization: str, identifier: str) -> StoredRecord | None:
        """Return the record with this id, also a deleted one, or None."""
        where = " WHERE id=? AND organization=? AND collection=?"
        return self._select_one(where, (identifier, organization, collection))

    def find_by_id(self, identifier: str) -> StoredRecord | None:
        """Return the record with this id in any collection and organization, or None."""
        return self._select_one(" WHERE id=?", (identifier,))

    def list_named(self, collection: str, organization: str, name: str) -> tuple[StoredRecord, ...]:
        """Return the records of a collection with exactly this name, also deleted ones, oldest first."""
        where = " WHERE organization=? AND collection=? AND name=? ORDER BY id"
        return self._select_all(where, (organization, collection, name))

    def select_records(self, query: RecordQuery) -> tuple[StoredRecord, ...]:
        """Return the records of a query in the order of their ids."""
        where, values = _build_conditions(query)
        return self._select_all(f"{where} AND id>? ORDER BY id LIMIT ?", (*values, query.after, query.limit))

    def count_records(self, query: RecordQuery) -> int:
        """Return the number of records of a query, without its `after` and `limit`."""
        where, values = _build_conditions(query)
        (number,) = self._database.execute(f"SELECT count(*) FROM objects{where}", values).fetchone()  # noqa: S608  # constant names
        return int(number)

    def list_users(self, credential_id: str) -> tuple[StoredRecord, ...]:
        """Return the active connections that use this credential."""
        return self._select_all(" WHERE credential_id=? AND status<>?", (credential_id, DELETED))

    def list_by_name(self, name: str) -> tuple[StoredRecord, ...]:
        """Return the records with exactly this name in all collections and organizations."""
        return self._select_all(" WHERE name=? ORDER BY id", (name,))

    def list_records(self) -> tuple[StoredRecord, ...]:
        """Return the records of all organizations, also deleted ones."""
        return self._select_all(" ORDER BY id", ())

    def save_documents(self, collection: str, organization: str, bodies: Iterable[Mapping[str, Any]]) -> None:
        """Insert or replace pipelines, schedules or syncs, each a JSON object with an `id`."""
        with self._begin_transaction() as database:
            for body in bodies:
                row = (body["id"], collection, organization, json.dumps(body))
                database.execute("INSERT OR REPLACE INTO documents VALUES (?,?,?,?)", row)
                database.execute("DELETE FROM mentions WHERE document=?", (body["id"],))
                database.executemany(
                    "INSERT OR IGNORE INTO mentions VALUES (?,?)",
                    [(text, body["id"]) for text in _collect_strings(body)],
                )

    def list_documents(self, collection: str, organization: str) -> list[dict[str, Any]]:
        """Return all documents of a collection in the order of their ids."""
        sql = "SELECT body FROM documents WHERE collection=? AND organization=? ORDER BY id"
        return [json.loads(body) for (body,) in self._database.execute(sql, (collection, organization))]

    def find_document(self, collection: str, organization: str, identifier: str) -> dict[str, Any] | None:
        """Return one document, or None."""
        sql = "SELECT body FROM documents WHERE id=? AND collection=? AND organization=?"
        row = self._database.execute(sql, (identifier, collection, organization)).fetchone()
        return json.loads(row[0]) if row else None

    def list_mentioning(self, collection: str, identifier: str) -> list[dict[str, Any]]:
        """Return the documents of a collection that contain a string equal to this id."""
        sql = (
            "SELECT body FROM documents JOIN mentions ON document=id"
            " WHERE mentioned=? AND collection=? ORDER BY id"
        )
        return [json.loads(body) for (body,) in self._database.execute(sql, (identifier, collection))]

    def _select_one(self, where: str, values: tuple[Any, ...]) -> StoredRecord | None:
        row = self._database.execute(_SELECT + where, values).fetchone()
        return _build_record(row) if row else None

    def _select_all(self, where: str, values: tuple[Any, ...]) -> tuple[StoredRecord, ...]:
        return tuple(map(_build_record, self._database.execute(_SELECT + where, values)))

    def _begin_transaction(self) -> "_Transaction":
        return _Transaction(self._database)


class _Transaction:
    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> sqlite3.Connection:
        self._database.execute("BEGIN IMMEDIATE")
        return self._database

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._database.execute("ROLLBACK" if kind else "COMMIT")


def _build_record(row: tuple[Any, ...]) -> StoredRecord:
    return StoredRecord(**dict(zip(_COLUMNS, row, strict=True)))


def _build_conditions(query: RecordQuery) -> tuple[str, tuple[Any, ...]]:
    where = " WHERE organization=? AND collection=?"
    values: tuple[Any, ...] = (query.organization, query.collection)
    if not query.deleted:
        where, values = where + " AND status<>?", (*values, DELETED)
    if query.type:
        where, values = where + " AND type=?", (*values, query.type)
    if query.search:
        where, values = where + " AND instr(casefold(name), ?)", (*values, query.search.casefold())
    return where, values


def _collect_strings(tree: Any) -> set[str]:
    if isinstance(tree, str):
        return {tree}
    if isinstance(tree, Mapping):
        tree = tree.values()
    elif not isinstance(tree, list):
        return set()
    return {text for item in tree for text in _collect_strings(item)}
