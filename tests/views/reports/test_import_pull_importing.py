"""An import told."""

import re

import pytest
from hypothesis import given

from keyturn.model.address import Address
from keyturn.model.results import ImportResult
from keyturn.views.reports.import_pull import (
    render_import,
    render_import_json,
    render_import_text,
    summarize_import,
)
from plans import hostile_text
from published import valid

DONE = ImportResult(
    Address("credential", "prod-db"), "manifests/prod-db.yaml", notes=("password keeps its value",)
)
LEFT = ImportResult(Address("connection", "A/b"), "", "its name cannot be the name of a file")


def test_each_object_is_told():
    """Its file and its notes, or why there is none; the last line counts."""
    assert render_import_text((DONE, LEFT)).splitlines() == [
        "import credential/prod-db: manifests/prod-db.yaml",
        "    password keeps its value",
        "import connection/A/b: left out: its name cannot be the name of a file",
        "Imported 1 of 2.",
    ]
    assert render_import_text(()) == "Imported 0 of 0.\n"


def test_json_is_as_its_schema_says():
    """Null where there is no file, and where there is no reason."""
    tree = valid("import", render_import_json("prod", (DONE, LEFT)))
    assert [each["file"] for each in tree["objects"]] == ["manifests/prod-db.yaml", None]
    assert tree["summary"]["line"] == summarize_import((DONE, LEFT))


def test_there_are_two_forms():
    """By name; another one is refused."""
    assert render_import("prod", (DONE,)) == render_import_text((DONE,))
    assert render_import("prod", (DONE,), "json") == render_import_json("prod", (DONE,))
    with pytest.raises(ValueError, match="text, json"):
        render_import("prod", (), "html")


@given(hostile_text())
def test_any_text_is_harmless(said):
    """For any name and note: no escape reaches the terminal, and the JSON is as its schema says."""
    odd = ImportResult(Address("credential", said), said, said, (said,))
    text = render_import_text((odd,))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]", text)
    valid("import", render_import_json(said, (odd,)))
