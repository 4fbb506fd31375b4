"""The SQLite file (or memory) behind the emulator; secrets arrive here sealed."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from planasonix_emulator.records import DELETED, Record

_COLUMNS = tuple(each.name for each in fields(Record))
_SELECT = f"SELECT {','.join(_COLUMNS)} FROM objects"  # noqa: S608 - our own names
_UPSERT = f"INSERT OR REPLACE INTO objects VALUES ({','.join('?' * len(_COLUMNS))})"  # noqa: S608 - the same
_SCHEMA = """
PRAGMA journal_mode=WAL;
PRAGMA synchronous=NORMAL;
CREATE TABLE IF NOT EXISTS objects (
  id TEXT PRIMARY KEY, collection TEXT NOT NULL, organization TEXT NOT NULL, name TEXT NOT NULL,
  type TEXT NOT NULL, config TEXT NOT NULL, sealed BLOB NOT NULL, status TEXT NOT NULL, credential_id TEXT,
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
class Query:
    """Which records a list holds: filters are off when empty; `after` is the last id already read."""

    collection: str
    organization: str
    type: str = ""
    search: str = ""
    deleted: bool = False
    after: str = ""
    limit: int = -1


class Store:
    """Keep objects and documents; used by one thread, every call is its own transaction."""

    def __init__(self, path: str = ":memory:") -> None:
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.create_function("casefold", 1, str.casefold, deterministic=True)
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file; nothing is lost, for every write was committed."""
        self._database.close()

    def proof(self, fresh: bytes) -> bytes:
        """Return the proof of the key that this database was made with; the given one if it is new."""
        row = self._database.execute("SELECT value FROM proof").fetchone()
        if row is None:
            self._database.execute("INSERT INTO proof VALUES (?)", (fresh,))
        return row[0] if row else fresh

    def clear(self) -> None:
        """Forget everything."""
        self._database.executescript("DELETE FROM objects; DELETE FROM documents; DELETE FROM mentions;")

    def keep(self, *records: Record) -> None:
        """Insert or replace records, all or none."""
        rows = [tuple(getattr(record, column) for column in _COLUMNS) for record in records]
        if len(rows) == 1:
            self._database.execute(_UPSERT, rows[0])
            return
        with self._transaction() as database:
            database.executemany(_UPSERT, rows)

    def forget(self, identifier: str) -> None:
        """Remove one object for good."""
        self._database.execute("DELETE FROM objects WHERE id=?", (identifier,))

    def find(self, collection: str, organization: str, identifier: str) -> Record | None:
        """Return the object with this id, deleted ones too, or None."""
        where = " WHERE id=? AND organization=? AND collection=?"
        return self._one(where, (identifier, organization, collection))

    def by_id(self, identifier: str) -> Record | None:
        """Return the object with this id, whatever it is and whoever owns it, or None."""
        return self._one(" WHERE id=?", (identifier,))

    def named(self, collection: str, organization: str, name: str) -> tuple[Record, ...]:
        """Return all objects of this exact name, deleted ones too, oldest first."""
        where = " WHERE organization=? AND collection=? AND name=? ORDER BY id"
        return self._many(where, (organization, collection, name))

    def page(self, query: Query) -> tuple[Record, ...]:
        """Return the records of a query in the order of their ids."""
        where, values = _conditions(query)
        return self._many(f"{where} AND id>? ORDER BY id LIMIT ?", (*values, query.after, query.limit))

    def count(self, query: Query) -> int:
        """Return how many records the whole query has."""
        where, values = _conditions(query)
        (number,) = self._database.execute(f"SELECT count(*) FROM objects{where}", values).fetchone()  # noqa: S608
        return int(number)

    def users_of(self, credential_id: str) -> tuple[Record, ...]:
        """Return the live connections that name this credential."""
        return self._many(" WHERE credential_id=? AND status<>?", (credential_id, DELETED))

    def called(self, name: str) -> tuple[Record, ...]:
        """Return all objects of this exact name, of any kind and organization."""
        return self._many(" WHERE name=? ORDER BY id", (name,))

    def everything(self) -> tuple[Record, ...]:
        """Return all objects of all organizations."""
        return self._many(" ORDER BY id", ())

    def keep_documents(self, collection: str, organization: str, bodies: Iterable[Mapping[str, Any]]) -> None:
        """Insert or replace pipelines, schedules or syncs, each a JSON object with its `id`."""
        with self._transaction() as database:
            for body in bodies:
                row = (body["id"], collection, organization, json.dumps(body))
                database.execute("INSERT OR REPLACE INTO documents VALUES (?,?,?,?)", row)
                database.execute("DELETE FROM mentions WHERE document=?", (body["id"],))
                database.executemany(
                    "INSERT OR IGNORE INTO mentions VALUES (?,?)",
                    [(text, body["id"]) for text in _strings(body)],
                )

    def documents(self, collection: str, organization: str) -> list[dict[str, Any]]:
        """Return all documents of a collection in the order of their ids."""
        sql = "SELECT body FROM documents WHERE collection=? AND organization=? ORDER BY id"
        return [json.loads(body) for (body,) in self._database.execute(sql, (collection, organization))]

    def document(self, collection: str, organization: str, identifier: str) -> dict[str, Any] | None:
        """Return one document, or None."""
        sql = "SELECT body FROM documents WHERE id=? AND collection=? AND organization=?"
        row = self._database.execute(sql, (identifier, collection, organization)).fetchone()
        return json.loads(row[0]) if row else None

    def mentioning(self, collection: str, identifier: str) -> list[dict[str, Any]]:
        """Return the documents of a collection in which a string is exactly this id."""
        sql = (
            "SELECT body FROM documents JOIN mentions ON document=id"
            " WHERE mentioned=? AND collection=? ORDER BY id"
        )
        return [json.loads(body) for (body,) in self._database.execute(sql, (identifier, collection))]

    def _one(self, where: str, values: tuple[Any, ...]) -> Record | None:
        row = self._database.execute(_SELECT + where, values).fetchone()
        return _record(row) if row else None

    def _many(self, where: str, values: tuple[Any, ...]) -> tuple[Record, ...]:
        return tuple(map(_record, self._database.execute(_SELECT + where, values)))

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._database)


class _Transaction:
    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> sqlite3.Connection:
        self._database.execute("BEGIN IMMEDIATE")
        return self._database

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._database.execute("ROLLBACK" if kind else "COMMIT")


def _record(row: tuple[Any, ...]) -> Record:
    return Record(**dict(zip(_COLUMNS, row, strict=True)))


def _conditions(query: Query) -> tuple[str, tuple[Any, ...]]:
    where = " WHERE organization=? AND collection=?"
    values: tuple[Any, ...] = (query.organization, query.collection)
    if not query.deleted:
        where, values = where + " AND status<>?", (*values, DELETED)
    if query.type:
        where, values = where + " AND type=?", (*values, query.type)
    if query.search:
        where, values = where + " AND instr(casefold(name), ?)", (*values, query.search.casefold())
    return where, values


def _strings(tree: Any) -> set[str]:
    if isinstance(tree, str):
        return {tree}
    if isinstance(tree, Mapping):
        tree = tree.values()
    elif not isinstance(tree, list):
        return set()
    return {text for item in tree for text in _strings(item)}
