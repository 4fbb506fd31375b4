"""An import told."""

import re

import pytest
from hypothesis import given

from keyturn.core.address import Address
from keyturn.core.imported import Imported
from keyturn.render.importing import draw_imported, imported_json, imported_text, total
from plans import hostile_text
from published import valid

DONE = Imported(
    Address("credential", "prod-db"), "manifests/prod-db.yaml", notes=("password keeps its value",)
)
LEFT = Imported(Address("connection", "A/b"), "", "its name cannot be the name of a file")


def test_each_object_is_told():
    """Its file and its notes, or why there is none; the last line counts."""
    assert imported_text((DONE, LEFT)).splitlines() == [
        "import credential/prod-db: manifests/prod-db.yaml",
        "    password keeps its value",
        "import connection/A/b: left out: its name cannot be the name of a file",
        "Imported 1 of 2.",
    ]
    assert imported_text(()) == "Imported 0 of 0.\n"


def test_json_is_as_its_schema_says():
    """Null where there is no file, and where there is no reason."""
    tree = valid("import", imported_json("prod", (DONE, LEFT)))
    assert [each["file"] for each in tree["objects"]] == ["manifests/prod-db.yaml", None]
    assert tree["summary"]["line"] == total((DONE, LEFT))


def test_there_are_two_forms():
    """By name; another one is refused."""
    assert draw_imported("prod", (DONE,)) == imported_text((DONE,))
    assert draw_imported("prod", (DONE,), "json") == imported_json("prod", (DONE,))
    with pytest.raises(ValueError, match="text, json"):
        draw_imported("prod", (), "html")


@given(hostile_text())
def test_any_text_is_harmless(said):
    """For any name and note: no escape reaches the terminal, and the JSON is as its schema says."""
    odd = Imported(Address("credential", said), said, said, (said,))
    text = imported_text((odd,))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]", text)
    valid("import", imported_json(said, (odd,)))
