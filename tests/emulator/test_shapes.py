"""The schemas of the document."""

import json

import pytest
from jsonschema import Draft202012Validator

from planasonix_emulator.shapes import SCHEMAS, ref


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_is_a_schema(name):
    """Every schema is valid JSON Schema, and asks only for properties that it describes."""
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert set(SCHEMAS[name]["required"]) <= set(SCHEMAS[name]["properties"])


def test_references_lead_somewhere():
    """A reference names a schema of the document."""
    assert ref("Credential") == {"$ref": "#/components/schemas/Credential"}
    assert "$ref" not in json.dumps(SCHEMAS)
