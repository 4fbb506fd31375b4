"""Validation of manifests: jsonschema-rs accepts, jsonschema explains errors."""

import subprocess
import sys

import pytest

from example_manifests import read_examples
from keyturn.schema.definitions import destination_paths
from keyturn.schema.validate import is_valid_manifest, validate_manifest
from manifest_folder import parse_manifest_text

PG = "kind: connection\nname: x\ntype: postgres\n"
MY = "kind: connection\nname: x\ntype: mysql\n"


def codes(text):
    """Return code and location of each diagnostic of a text."""
    read = parse_manifest_text(text)
    return [
        (each.code, each.origin.line, each.origin.column)
        for each in validate_manifest(read, str(read.tree.get("kind")))
    ]


@pytest.mark.parametrize("name", read_examples())
def test_accepts_the_examples(name):
    """The examples have all variants of all types and all connectors."""
    read = parse_manifest_text(read_examples()[name])
    assert validate_manifest(read, str(read.tree["kind"])) == ()


def test_a_valid_manifest_does_not_import_jsonschema():
    """The import takes longer than the validation of five hundred files."""
    program = (
        "import sys;"
        "from keyturn.yamldoc.reader import parse_document;"
        "from keyturn.schema.validate import validate_manifest;"
        f"assert validate_manifest(parse_document({PG.encode()!r}, 'x.yaml'), 'connection') == ();"
        "print(sorted({'jsonschema', 'cryptography', 'pyrage', 'deepdiff', 'httpx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_explains_an_invalid_manifest():
    """An invalid manifest has diagnostics with locations."""
    assert codes(PG + "config: {hst: h}\n") == [("KT131", 4, 10)]
    assert codes("kind: x\n") == [("KT130", 1, 7)]


def test_reports_a_typo_in_an_open_connector():
    """Only a field with a name close to a known one is reported."""
    assert codes(MY + "config: {hosst: h, applicationName: a}\n") == [("KT131", 4, 10)]
    assert codes("kind: connection\nname: x\ntype: unheard\nconfig: {hosst: h}\n") == []


def test_accepts_undocumented_fields():
    """Listed fields are accepted in closed connectors and with a name close to a known one."""
    assert codes(PG + "config: {sslKeyPath: k}\n") == [("KT131", 4, 10)]
    assert codes(PG + "config: {sslKeyPath: k}\nundocumented: [sslKeyPath]\n") == []
    assert codes(MY + "config: {hosst: h}\nundocumented: [hosst]\n") == []
    assert codes(PG + "config: {sslKeyPath: k, other: x}\nundocumented: [sslKeyPath]\n") == [("KT131", 4, 25)]


def test_an_undocumented_field_is_a_destination():
    """Listing a field does not classify it."""
    read = parse_manifest_text(PG + "config: {sslKeyPath: k}\nundocumented: [sslKeyPath]\n")
    assert destination_paths("connection", read.tree) == (("config", "sslKeyPath"),)


def test_undocumented_must_be_a_list():
    """A text instead of a list permits nothing."""
    assert [code for code, *_ in codes(PG + "config: {sslKeyPath: k}\nundocumented: sslKeyPath\n")] == [
        "KT131",
        "KT133",
    ]


def test_warns_of_a_secret_under_secrets_and_keep():
    """The intention of the author is ambiguous."""
    text = "kind: credential\nname: x\ntype: api_key\n"
    text += "secrets: {headers: {A: x, B: z}, seal: s}\nkeep: [headers.C, headers.A]\n"
    assert codes(text) == [("KT144", 5, 19)]


def test_explains_a_type_that_is_not_text():
    """A list as the type gives a diagnostic."""
    assert ("KT134", 3, 7) in codes("kind: credential\nname: x\ntype: [aws]\n")
    assert [code for code, *_ in codes("kind: connection\nname: x\ntype: [mysql]\nconfig: {a: b}\n")] == [
        "KT133"
    ]


def test_a_whole_float_is_a_number_but_not_an_integer():
    """The value 1.0 is valid as a number and invalid as a port."""
    assert codes(MY + "config: {ratio: 1.0}\n") == []
    assert codes(PG + "config: {port: 5432.0}\n") == [("KT133", 4, 16)]


def test_tells_whether_a_manifest_is_valid():
    """A tree without its required fields is invalid."""
    assert is_valid_manifest({"kind": "credential"}, "credential") is False
