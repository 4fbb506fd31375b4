"""The schemas: every field says what it is, and kinds, schemas and examples agree."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from example_manifests import parse_example, read_examples
from keyturn.kinds import KINDS
from keyturn.model.secret_detection import SECRET_NAME_PATTERN
from keyturn.schema.definitions import (
    compile_pattern,
    find_schema_folder,
    is_destination,
    list_known_types,
    load_schema,
    load_type_schema,
)
from planasonix_emulator.targets.connectors import CONNECTORS
from vocabulary import ANNOTATIONS, CONDITIONS, list_schemas

UNDER_SOPS = ("sops",)
TYPES = [(kind, name) for kind in KINDS for name in list_known_types(kind)]


def properties(part: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield every described property below a part of a schema, with where it stands."""
    if not isinstance(part, dict):
        return
    for key, value in part.get("properties", {}).items():
        if isinstance(value, dict):
            yield (*path, key), value
            yield from properties(value, (*path, key))


def block(kind: str, name: str, which: str) -> dict[str, Any]:
    """Return what a type's schema says of ``config`` or ``secrets``."""
    return load_type_schema(kind, name).get("properties", {}).get(which, {}).get("properties", {})


def resolved(kind: str, part: dict[str, Any]) -> dict[str, Any]:
    """Return a part of a schema with its reference followed."""
    name = part.get("$ref", "").removeprefix("#/$defs/")
    return {**load_schema(kind)["$defs"].get(name, {}), **part}


def test_each_kind_has_a_schema():
    """And the schema describes that kind."""
    for name in KINDS:
        assert load_schema(name)["properties"]["kind"]["const"] == name
        assert (find_schema_folder() / f"{name}.schema.json").is_file()


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_uses_only_known_keywords(kind):
    """Both validators ignore a keyword that they do not know; the same verdict is tested for these."""
    used = {key for part in list_schemas(load_schema(kind)) for key in part if not key.startswith("x-")}
    assert used - ANNOTATIONS <= CONDITIONS


@pytest.mark.parametrize("kind", KINDS)
def test_each_field_of_a_manifest_is_described(kind):
    """An editor shows a sentence over each, and an example beside what is written by hand."""
    for path, field in properties(load_schema(kind)):
        assert field.get("description"), path
        if (
            path not in {UNDER_SOPS, ("kind",), ("type",), ("config",), ("secrets",)}
            and "properties" not in field
        ):
            assert field.get("examples") or "items" in field, path


@pytest.mark.parametrize(("kind", "name"), TYPES)
def test_each_plain_field_is_classified(kind, name):
    """It says whether it is a destination, what it is for, and shows an example."""
    for key, field in block(kind, name, "config").items():
        whole = resolved(kind, field)
        assert isinstance(whole.get("x-destination"), bool), key
        assert whole.get("description"), key
        assert whole.get("examples") or whole.get("properties") or not whole.get("type"), key


@pytest.mark.parametrize(("kind", "name"), TYPES)
def test_each_secret_field_says_that_it_is_one(kind, name):
    """writeOnly, described, and without an example that somebody might copy."""
    for key, field in block(kind, name, "secrets").items():
        whole = resolved(kind, field)
        assert whole.get("writeOnly") is True, key
        assert whole.get("description"), key


def test_each_credential_type_seals_something():
    """Every type but a bare key has fields that its seal covers."""
    for name in list_known_types("credential"):
        covered = [
            key
            for key, field in block("credential", name, "config").items()
            if field.get("x-destination") or field.get("x-identity")
        ]
        assert covered or name == "api_key"


def test_what_looks_like_a_secret_is_the_same_in_editors():
    """The connection's schema holds the very pattern that answers are searched with."""
    named = load_schema("connection")["$defs"]["publicName"]
    assert named["not"]["pattern"] == SECRET_NAME_PATTERN
    assert (
        load_schema("connection")["$defs"]["rest_api"]["properties"]["config"]["properties"]["headers"][
            "propertyNames"
        ]["not"]["pattern"]
        == SECRET_NAME_PATTERN
    )


def test_each_annotation_is_known():
    """A keyword of nobody's is a slip of the pen."""
    known = {
        "x-destination",
        "x-identity",
        "x-refers-to",
        "x-credential-types",
        "x-open",
        "x-plain",
        "x-plain-texts",
        "x-own",
        "x-rule",
        "x-seal",
        "x-set",
    }
    for kind in KINDS:
        assert {key for key in keys(load_schema(kind)) if key.startswith("x-")} <= known


def keys(part: Any) -> Iterator[str]:
    """Yield every key of a schema that is none of a manifest's."""
    for value in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from keys(value)
    if isinstance(part, dict):
        yield from part


def test_each_variant_of_each_type_has_an_example():
    """Whoever looks for a way to write it finds a file that is written so."""
    for name in list_known_types("credential"):
        trees = [
            parse_example(each)
            for each in read_examples()
            if parse_example(each)["type"] == name and each.startswith("cred")
        ]
        assert trees
        for branch in load_type_schema("credential", name).get("oneOf", ()):
            fits = Draft202012Validator({**branch, "$defs": load_schema("credential")["$defs"]})
            assert any(map(fits.is_valid, trees)), branch["title"]


def test_the_emulator_offers_each_connector_of_the_schema():
    """And more than those, for a deployment has more."""
    assert set(list_known_types("connection")) < set(CONNECTORS)


def test_each_documented_connector_has_an_example():
    """The five whose fields are documented, and one that nobody knows."""
    used = {parse_example(name)["type"] for name in read_examples() if name.startswith("connections/")}
    closed = {
        name
        for name in list_known_types("connection")
        if not load_type_schema("connection", name).get("x-open")
    }
    assert closed == {"postgres", "snowflake", "s3", "bigquery", "salesforce"}
    assert closed < used
    assert used - set(list_known_types("connection"))


@pytest.mark.parametrize(("kind", "name"), TYPES)
def test_each_plain_text_has_a_closed_pattern(kind, name):
    """A text that is no destination fits a pattern, and its examples and other values do."""
    for key, field in block(kind, name, "config").items():
        whole = resolved(kind, field)
        if whole["x-destination"] or "x-refers-to" in whole:
            continue
        values = whole.get("items", whole)
        assert "x-plain" in values or "enum" in whole or whole["type"] in {"boolean", "integer"}, key
        for example in whole.get("examples", ()):
            assert not is_destination(kind, name, ("config", key), example), (key, example)


def test_no_pattern_of_plain_texts_admits_a_connection_string():
    """Each pattern is used, and the two schemas agree on those that they share."""
    tables = [load_schema(kind)["x-plain-texts"] for kind in KINDS]
    assert all(tables[0][name] == tables[1][name] for name in tables[0].keys() & tables[1].keys())
    for kind, table in zip(KINDS, tables, strict=True):
        text = json.dumps(load_schema(kind))
        for name, pattern in table.items():
            assert f'"x-plain": "{name}"' in text
            for attack in ("x://y", "x host=y;z", "x?host=y", "a{b}", "(x=y)", "x\ny"):
                is_scope = name == "scope" and attack == "x://y"
                assert is_scope or not compile_pattern(pattern).match(attack), (name, attack)
