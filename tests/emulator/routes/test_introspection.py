"""The endpoints that read data through a connection."""

import pytest


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("tables", {"connectionId", "schema", "tables"}),
        ("columns?table=orders", {"connectionId", "schema", "table", "columns"}),
        ("schemas", {"connectionId", "schemas"}),
        ("catalogs", {"connectionId", "catalogs"}),
        ("preview?limit=2", {"columns", "rows", "truncated"}),
        ("files", {"prefix", "objects", "commonPrefixes"}),
        ("cloud-schema?path=landing/", {"connectionId", "path", "columns"}),
    ],
)
def test_looking_into_a_connection(api, path, keys):
    """Each endpoint returns its documented format for an existing connection."""
    identifier = api.connection()
    assert set(api.get(f"/api/connections/{identifier}/{path}").json()) == keys
    assert api.get(f"/api/connections/conn_nobody/{path}").status_code == 404


def test_literal_words_share_the_place_of_an_id(api):
    """`tables` and `columns` under /api/connections take the id in the query."""
    identifier = api.connection()
    tables = api.get("/api/connections/tables", connectionId=identifier).json()
    assert [each["name"] for each in tables["tables"]] == ["orders", "recent_orders"]
    assert api.get("/api/connections/tables").status_code == 400
    columns = api.get("/api/connections/columns", connectionId=identifier, table="orders").json()["columns"]
    assert columns[0] == {"name": "id", "type": "bigint", "nullable": False}
    assert api.get("/api/connections/columns", connectionId=identifier).status_code == 400


def test_what_is_not_there_is_empty(api):
    """An unknown schema has no tables; a prefix and a delimiter narrow the files."""
    base = f"/api/connections/{api.connection()}"
    assert api.get(f"{base}/tables", schema="x").json()["tables"] == []
    assert api.get(f"{base}/columns", table="x").json()["columns"] == []
    assert api.get(f"{base}/files", prefix="x").json()["objects"] == []
    assert api.get(f"{base}/files", delimiter="/").json()["commonPrefixes"] == ["landing/"]
    assert api.get(f"{base}/preview", limit=2).json()["truncated"] is True


@pytest.mark.parametrize(
    ("sql", "status"), [("SELECT 1", 200), ("select 1", 200), ("DROP TABLE x", 400), (7, 400)]
)
def test_queries_only_read(api, sql, status):
    """A test query is a SELECT."""
    body = {"connectionId": api.connection(), "sql": sql}
    assert api.post("/api/connections/test-query", body).status_code == status


def test_discovery(api):
    """Catalogs of a Databricks connection can be discovered."""
    answer = api.post("/api/connections/databricks/discover", {"connectionId": api.connection()})
    assert answer.json()["catalogs"] == [{"name": "main", "schemas": ["public"]}]
    assert api.post("/api/connections/databricks/discover", {}).status_code == 400
