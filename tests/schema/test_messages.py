"""What is wrong with a manifest, in words: one case for each keyword of the schemas, with its place."""

import copy
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from corpus import manifests, tree
from keyturn.catalog import load_catalog
from keyturn.kinds import KINDS
from keyturn.model.secret_detection import is_secret_name
from keyturn.schema.definitions import load_schema
from keyturn.schema.messages import find_schema_errors, safe_path
from keyturn.schema.strict_validator import build_validator
from keyturn.schema.validate import is_valid_manifest
from keyturn.yamldoc.reader import Document, SpanIndex
from shelf import document
from vocabulary import ANNOTATIONS

BROKEN = Path(__file__).with_name("broken.txt")


def cases() -> list[tuple[str, str, str, str, str]]:
    """Read the table: text, code, place, what is said, what is hinted."""
    blocks = re.findall(
        r"^(KT\d+) (\S+)\nsays: (.*)\nhint: (.*)\n((?:    .*\n)+)", BROKEN.read_text(), re.MULTILINE
    )
    return [(textwrap.dedent(text), code, place, said, hint) for code, place, said, hint, text in blocks]


PG = "kind: connection\nname: x\ntype: postgres\n"


def found(text):
    """Return the findings of a text."""
    read = document(text)
    return find_schema_errors(read, str(read.tree.get("kind", "")))


@pytest.mark.parametrize(("text", "code", "place", "message", "hint"), cases())
def test_each_fault_is_named_where_it_stands(text, code, place, message, hint):
    """One finding, its code, its place, what is wrong and what to do."""
    [finding] = found(text)
    assert (finding.code, str(finding.origin)) == (code, f"manifests/x.yaml:{place}")
    assert message in finding.message
    assert hint in finding.hint
    assert code in load_catalog()


SILENT = ANNOTATIONS | {"if"}
NAMED = ("properties", "patternProperties")
BELOW = ("items", "propertyNames", "then", "else")


def keywords(root: dict[str, Any], part: Any, seen: set[str]) -> Iterator[str]:
    """Yield each keyword of a schema that a manifest can break; of alternatives, the keyword itself."""
    for keyword, value in part.items() if isinstance(part, dict) else ():
        if keyword in NAMED:
            for inner in value.values():
                yield from keywords(root, inner, seen)
        elif keyword in BELOW or (keyword == "additionalProperties" and isinstance(value, dict)):
            yield from keywords(root, value, seen)
        elif keyword == "allOf":
            for inner in value:
                yield from keywords(root, inner, seen)
        elif keyword == "$ref":
            name = value.removeprefix("#/$defs/")
            if name not in seen:
                seen.add(name)
                yield from keywords(root, root["$defs"][name], seen)
        elif keyword not in SILENT and not keyword.startswith("x-"):
            yield keyword


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_has_every_keyword_of_the_schemas(kind):
    """A keyword that no case breaks would be a message that nobody has read."""
    assert len(cases()) == BROKEN.read_text().count("\nKT")
    trees = [document(text).tree for text, code, *_ in cases() if code != "KT130"]
    mine = [each for each in trees if each["kind"] == kind]
    broken = {error.validator for each in mine for error in build_validator(kind).iter_errors(each)}
    # The one constant is the kind itself: where it is another one, another schema is asked (KT130).
    assert broken == set(keywords(load_schema(kind), load_schema(kind), set())) - {"const"}


def test_keywords_are_found_wherever_they_stand():
    """Behind references, conditions and names, and none inside a condition."""
    inner = {"$ref": "#/$defs/a"}
    root = {
        "title": "t",
        "x-own": ["y"],
        "properties": {"p": {"items": inner}},
        "if": {"properties": {"q": {"const": 1}}},
        "then": {"additionalProperties": {"maxLength": 1}},
        "allOf": [{"not": {"maximum": 1}}, {"propertyNames": {"pattern": "a"}}],
        "$defs": {"a": {"minItems": 1, "items": inner}, "unused": {"minimum": 1}},
    }
    assert set(keywords(root, root, set())) == {"minItems", "maxLength", "not", "pattern"}


def test_all_faults_are_found_at_once():
    """Nobody has to run it again to see the next one."""
    text = f"{PG}config:\n  hst: h\n  port: 0\n  sslMode: x\nlabels: {{a: 1}}\nfoo: 1\n"
    assert [finding.code for finding in found(text)] == ["KT131", "KT133", "KT134", "KT133", "KT131"]


def test_a_secret_looking_name_is_left_to_the_rule():
    """An open config that names a secret has a finding of policy, which can be waived."""
    assert found("kind: connection\nname: x\ntype: other\nconfig: {token: t}\n") == ()


def test_a_key_that_may_be_a_secret_is_not_said(canary):
    """A secret that was put where a name belongs stays out of the message."""
    secret = canary("ascii")
    [finding] = found(f"{PG}config:\n  ? {secret!r}\n  : x\n")
    assert secret not in finding.message
    assert safe_path(("config", secret)) == "config.…"


@some.composite
def mutants(draw: some.DrawFn) -> tuple[str, dict[str, Any]]:
    """Return an example one of whose parts became something else."""
    name = draw(some.sampled_from(sorted(manifests())))
    mutant = copy.deepcopy(tree(name))
    inner = [mutant, *(value for value in mutant.values() if isinstance(value, dict))]
    target = draw(some.sampled_from(inner))
    key = draw(some.sampled_from([*target, "unheard", "refresh_token", "staging", "keep"]))
    values = [None, 7, "", "canary-value", ["canary-value"], {"canary": "canary-value"}, {}, True]
    target[key] = draw(some.sampled_from(values))
    return name.partition("/")[0].removesuffix("s"), mutant


@given(mutants())
def test_what_does_not_fit_is_always_said_and_never_quoted(asked):
    """Every refusal has a finding with a known code, and no finding holds a value."""
    kind, mutant = asked
    made = Document("x.yaml", mutant, "", SpanIndex(dict))
    said = find_schema_errors(made, kind)
    names = [key for block in mutant.values() if isinstance(block, dict) for key in block]
    if not is_valid_manifest(mutant, kind) and not any(map(is_secret_name, names)):
        assert said
    assert all(finding.code in load_catalog() for finding in said)
    assert "canary-value" not in repr(said)
