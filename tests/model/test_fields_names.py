"""Names of fields: only words of the schemas are shown, anything else is masked."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.model.fields import is_field_name, mask_key, mask_path
from keyturn.schema.definitions import load_schema


def iterate_properties(node: Any) -> Iterator[str]:
    """Yield the names of all properties of a schema."""
    if isinstance(node, dict):
        for key, below in node.items():
            if key == "properties":
                yield from below
            if key not in ("examples", "default", "enum", "const"):
                yield from iterate_properties(below)
    elif isinstance(node, list):
        for below in node:
            yield from iterate_properties(below)


@pytest.mark.parametrize("schema", ["credential", "connection", "project"])
def test_every_field_of_the_schemas_is_shown(schema):
    """A new field with a new word needs the word in the list."""
    assert [name for name in iterate_properties(load_schema(schema)) if not is_field_name(name)] == []


@pytest.mark.parametrize("key", ["password", "X-Api-Key", "sslMode", "client_secret", "ssh.key"])
def test_names_of_fields_are_shown(key):
    """Words in any notation are shown."""
    assert mask_key(key) == key


@pytest.mark.parametrize("key", ["pasword", "hunter2", "tr0ub4dor", "", " ", "password1", "1234", "²", "p"])
def test_other_keys_are_masked(key):
    """A misspelled name, a secret and a long number are masked."""
    assert mask_key(key) == "▒▒▒"


@given(key=st.text(min_size=4, max_size=60))
def test_a_shown_key_has_words_alone(key):
    """Whatever a key is, it is shown unchanged or not at all."""
    assert mask_path(("headers", key, "0")) == f"headers.{key if is_field_name(key) else '▒▒▒'}.0"
