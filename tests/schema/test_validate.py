"""Manifests against their schemas: jsonschema-rs accepts them, jsonschema explains what is wrong."""

import subprocess
import sys

import pytest

from corpus import manifests
from keyturn.schema.validate import (
    destination_paths,
    is_valid_manifest,
    reference_paths,
    sealed_paths,
    secret_paths,
    validate_manifest,
)
from shelf import document

PG = "kind: connection\nname: x\ntype: postgres\n"
MY = "kind: connection\nname: x\ntype: mysql\n"


def codes(text):
    """Return code and place of each finding of a text."""
    read = document(text)
    return [
        (each.code, each.origin.line, each.origin.column)
        for each in validate_manifest(read, str(read.tree.get("kind")))
    ]


@pytest.mark.parametrize("name", manifests())
def test_a_right_manifest_has_no_finding(name):
    """Every variant of every type, every connector of the examples."""
    read = document(manifests()[name])
    assert validate_manifest(read, str(read.tree["kind"])) == ()


def test_a_right_manifest_does_not_import_jsonschema():
    """It costs more than checking five hundred files."""
    program = (
        "import sys; from keyturn.yamldoc.reader import parse_document; from keyturn.schema.validate import validate_manifest;"
        f"assert validate_manifest(parse_document({PG.encode()!r}, 'x.yaml'), 'connection') == ();"
        "print(sorted({'jsonschema', 'cryptography', 'pyrage', 'deepdiff', 'httpx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_wrong_manifest_is_explained():
    """What does not fit goes to those who know the words."""
    assert codes(PG + "config: {hst: h}\n") == [("KT131", 4, 10)]
    assert codes("kind: x\n") == [("KT130", 1, 7)]


def test_a_slip_in_an_open_connector_is_caught():
    """A field that is nearly a known one is a slip; one that is like none is the user's business."""
    assert codes(MY + "config: {hosst: h, applicationName: a}\n") == [("KT131", 4, 10)]
    assert codes("kind: connection\nname: x\ntype: unheard\nconfig: {hosst: h}\n") == []


def test_a_field_that_is_vouched_for_is_taken():
    """Neither a closed connector nor a near name stands in the way of who knows better."""
    assert codes(PG + "config: {sslKeyPath: k}\n") == [("KT131", 4, 10)]
    assert codes(PG + "config: {sslKeyPath: k}\nundocumented: [sslKeyPath]\n") == []
    assert codes(MY + "config: {hosst: h}\nundocumented: [hosst]\n") == []
    assert codes(PG + "config: {sslKeyPath: k, other: x}\nundocumented: [sslKeyPath]\n") == [("KT131", 4, 25)]


def test_a_field_that_is_vouched_for_counts_as_a_destination():
    """Who vouches for a field does not classify it."""
    read = document(PG + "config: {sslKeyPath: k}\nundocumented: [sslKeyPath]\n")
    assert destination_paths("connection", read.tree) == (("config", "sslKeyPath"),)


def test_undocumented_must_be_a_list():
    """A word in its place lifts nothing."""
    assert [code for code, *_ in codes(PG + "config: {sslKeyPath: k}\nundocumented: sslKeyPath\n")] == [
        "KT131",
        "KT133",
    ]


def test_a_secret_is_given_or_kept_and_not_both():
    """Which of the two was meant cannot be known."""
    text = "kind: credential\nname: x\ntype: api_key\n"
    text += "secrets: {headers: {A: x, B: z}, seal: s}\nkeep: [headers.C, headers.A]\n"
    assert codes(text) == [("KT144", 5, 19)]


def test_a_type_that_is_no_text_is_explained():
    """A list in the type's place is a finding, not a crash."""
    assert ("KT134", 3, 7) in codes("kind: credential\nname: x\ntype: [aws]\n")
    assert [code for code, *_ in codes("kind: connection\nname: x\ntype: [mysql]\nconfig: {a: b}\n")] == [
        "KT133"
    ]


def test_a_whole_float_is_right_where_any_number_is():
    """Jsonschema decides: 1.0 is a number, and no port."""
    assert codes(MY + "config: {ratio: 1.0}\n") == []
    assert codes(PG + "config: {port: 5432.0}\n") == [("KT133", 4, 16)]


def test_everything_that_is_asked_of_a_schema_is_here():
    """One module to ask."""
    assert is_valid_manifest({"kind": "credential"}, "credential") is False
    tree = {"type": "aws", "secrets": {"a": "b"}, "config": {"region": "r", "role_arn": "x"}}
    assert secret_paths("credential", tree) == (("a",),)
    assert sealed_paths("credential", tree) == (("config", "role_arn"),)
    assert reference_paths("connection", {"credential": "x"}) == (("credential",),)
