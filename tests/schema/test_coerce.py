"""Conversion of text to the types of the schema."""

import pytest

from keyturn.schema.coerce import coerce_types


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("port", "5432", 5432),
        ("port", "54x", "54x"),
        ("port", "\u0665", "\u0665"),
        ("port", 5432, 5432),
        ("host", "5432", "5432"),
        ("database", "true", "true"),
        ("unheard_of", "5432", "5432"),
    ],
)
def test_converts_only_typed_fields(field, text, value):
    """A name of digits stays text, and text that is not a number stays text."""
    path = ("config", field)
    found = coerce_types("connection", "postgres", {path: text})[path]
    assert (found, type(found)) == (value, type(value))


def test_keeps_fields_without_a_type():
    """A reference and the category have no type in the schema."""
    fields = {("credential",): "1", ("category",): "source"}
    assert coerce_types("connection", "postgres", fields) == fields


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ('{"credentialId":"c","bucket":"b"}', {("credentialId",): "c", ("bucket",): "b"}),
        ("{}", {(): {}}),
        ('{"bucket"', {(): '{"bucket"'}),
        ("[1]", {(): "[1]"}),
        ("plain", {(): "plain"}),
        ('{"a":' * 50_000, {(): '{"a":' * 50_000}),
    ],
)
def test_a_mapping_as_text_becomes_its_fields(text, fields):
    """Text that is not JSON stays text."""
    path = ("config", "staging")
    found = coerce_types("connection", "snowflake", {path: text})
    assert found == {(*path, *inner): value for inner, value in fields.items()}
