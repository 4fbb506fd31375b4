"""What one file shows of itself, without a key and without its neighbours."""

import pytest

from keyturn.files.discovery import SourceFile
from keyturn.manifests.loader import validate_file
from keyturn.policy.settings import PolicySettings
from sops_files import encrypt_manifest

GOOD = "kind: connection\nname: {}\ntype: postgres\ncredential: db\nconfig:\n  host: db.example\n"


def seen(name, text):
    """Return what a manifest shows."""
    return validate_file(SourceFile(None, f"manifests/{name}.yaml", "d", text.encode()), PolicySettings())


def test_a_valid_manifest_matches_its_schema():
    """The result has the document and no diagnostics."""
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
def test_an_invalid_manifest_has_a_diagnostic(name, text, code):
    """Schema, name and YAML."""
    found = seen(name, text)
    assert code in [finding.code for finding in found.diagnostics]
    assert not found.matches_schema


@pytest.mark.parametrize("value", ["null", '""'])
def test_one_error_has_one_diagnostic(age_key, value):
    """A secret without a value is an empty secret, not also a wrong type."""
    plain = {"kind": "credential", "name": "db", "type": "database", "config": {"username": "u"}}
    text = encrypt_manifest(age_key, {"password": "x"}, plain=plain)
    line = next(line for line in text.splitlines() if "password:" in line)
    found = seen("db", text.replace(line, f"    password: {value}"))
    codes = [each.code for each in found.diagnostics]
    assert ("KT212" in codes, "KT139" in codes) == (True, False)


def test_an_unreadable_file_has_no_document():
    """The diagnostics tell why."""
    found = seen("broken", "kind: [\n")
    assert found.document is None
    assert found.diagnostics
