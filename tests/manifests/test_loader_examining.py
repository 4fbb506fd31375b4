"""What one file shows of itself, without a key and without its neighbours."""

import pytest

from encrypting import encrypted
from keyturn.files.discovery import SourceFile
from keyturn.manifests.loader import validate_file
from keyturn.policy.settings import PolicySettings

GOOD = "kind: connection\nname: {}\ntype: postgres\ncredential: db\nconfig:\n  host: db.example\n"


def seen(name, text):
    """Return what a manifest shows."""
    return validate_file(SourceFile(None, f"manifests/{name}.yaml", "d", text.encode()), PolicySettings())


def test_a_manifest_that_is_right_fits():
    """Nothing is found, and the document is at hand."""
    found = seen("good", GOOD.format("good"))
    assert (found.matches_schema, found.diagnostics) == (True, ())
    assert found.document.tree["name"] == "good"


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("unknown", GOOD.format("unknown") + "colour: red\n", "KT131"),
        ("other", GOOD.format("x"), "KT141"),
        ("broken", "kind: [\n", "KT106"),
    ],
)
def test_what_is_wrong_is_found_and_does_not_fit(name, text, code):
    """Schema, name and YAML each have their finding."""
    found = seen(name, text)
    assert code in [finding.code for finding in found.diagnostics]
    assert not found.matches_schema


@pytest.mark.parametrize("value", ["null", '""'])
def test_one_fault_has_one_finding(age_key, value):
    """A secret without a value is an empty secret, and not a field of the wrong form as well."""
    plain = {"kind": "credential", "name": "db", "type": "database", "config": {"username": "u"}}
    text = encrypted(age_key, {"password": "x"}, plain=plain)
    line = next(line for line in text.splitlines() if "password:" in line)
    found = seen("db", text.replace(line, f"    password: {value}"))
    codes = [each.code for each in found.diagnostics]
    assert ("KT212" in codes, "KT139" in codes) == (True, False)


def test_a_file_that_cannot_be_read_has_no_document():
    """The findings say why."""
    found = seen("broken", "kind: [\n")
    assert found.document is None
    assert found.diagnostics
