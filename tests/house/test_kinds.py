"""Kinds: a module, a schema and an example for each, and nothing beside."""

import json
import re

import pytest

from sources import ROOT, list_modules

SCHEMAS = ROOT / "schemas"
EXAMPLES = ROOT / "examples" / "repo"
MODULES = {
    m.name.rpartition(".")[2] for m in list_modules("keyturn/kinds") if not m.place.endswith("__init__.py")
}
KINDS = sorted(MODULES - {"kind"})


def test_every_kind_has_a_schema():
    """A kind is one module and one schema; other schemas are of documents that have no kind."""
    schemas = {path: json.loads(path.read_text()) for path in SCHEMAS.glob("*.schema.json")}
    of_kinds = {
        path.name
        for path, schema in schemas.items()
        if "const" in schema.get("properties", {}).get("kind", {})
    }
    assert KINDS == ["connection", "credential"]
    assert of_kinds == {f"{kind}.schema.json" for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_names_its_kind(kind):
    """A schema takes documents of its own kind alone, and is one of draft 2020-12."""
    schema = json.loads((SCHEMAS / f"{kind}.schema.json").read_text())
    assert schema["properties"]["kind"]["const"] == kind
    assert schema["$schema"].endswith("draft/2020-12/schema")


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_says_what_is_secret(kind):
    """What is secret, what is a destination and what refers to another resource is said in the schema."""
    text = (SCHEMAS / f"{kind}.schema.json").read_text()
    assert '"x-destination"' in text
    assert '"writeOnly"' in text or '"x-refers-to"' in text


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_an_example(kind):
    """There is at least one manifest of each kind among the examples."""
    manifests = [path for path in EXAMPLES.rglob("*.yaml") if "manifests" in path.parts]
    assert any(re.search(rf"^kind: {kind}$", path.read_text(), re.MULTILINE) for path in manifests)


def test_examples_hold_no_plain_secret():
    """Every value below `secrets:` of an example is encrypted."""
    manifests = [path for path in EXAMPLES.rglob("*.yaml") if "manifests" in path.parts]
    assert manifests
    for path in manifests:
        block = re.search(r"^secrets:\n((?:[ #].*\n)*)", path.read_text(), re.MULTILINE)
        lines = [line for line in (block[1] if block else "").splitlines() if not line.strip().endswith(":")]
        assert all("ENC[AES256_GCM," in line for line in lines), path
