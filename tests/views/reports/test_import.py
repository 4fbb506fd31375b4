"""The report of an import."""

import re

from hypothesis import given

from keyturn.model.address import Address
from keyturn.model.results import ImportResult
from keyturn.views.reports.import_ import render_import
from published_schemas import parse_valid
from sample_plans import hostile_texts

DONE = ImportResult(
    Address("credential", "prod-db"), "manifests/prod-db.yaml", notes=("password keeps its value",)
)
SKIPPED = ImportResult(Address("connection", "A/b"), "", "its name cannot be a file name")


def test_text_has_a_line_for_each_object():
    """Its file and notes, or the reason without a file; the summary is last."""
    assert render_import("prod", (DONE, SKIPPED)).splitlines() == [
        "import credential/prod-db: manifests/prod-db.yaml",
        "    password keeps its value",
        "import connection/A/b: skipped: its name cannot be a file name",
        "Imported 1 of 2.",
    ]
    assert render_import("prod", ()) == "Imported 0 of 0.\n"


def test_json_fits_its_schema():
    """A missing file or reason is null."""
    tree = parse_valid("import", render_import("prod", (DONE, SKIPPED), "json"))
    assert [each["file"] for each in tree["objects"]] == ["manifests/prod-db.yaml", None]
    assert tree["summary"]["line"] == "Imported 1 of 2."


@given(hostile_texts())
def test_any_text_is_harmless(name):
    """No control characters, no CI runner command."""
    odd = ImportResult(Address("credential", name), name, name, (name,))
    text = render_import("prod", (odd,))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]", text)
    parse_valid("import", render_import(name, (odd,), "json"))
