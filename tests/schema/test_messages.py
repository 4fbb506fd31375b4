"""Messages for schema errors: one case for each keyword of the schemas, with its location."""

import copy
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from example_manifests import parse_example, read_examples
from keyturn.catalog import load_catalog
from keyturn.kinds import KINDS
from keyturn.model.secret_detection import is_secret_name
from keyturn.schema.definitions import load_schema
from keyturn.schema.messages import find_schema_errors, safe_path
from keyturn.schema.strict_validator import build_validator
from keyturn.schema.validate import is_valid_manifest
from keyturn.yamldoc.reader import Document, SpanIndex
from manifest_folder import parse_manifest_text
from vocabulary import ANNOTATIONS

BROKEN = Path(__file__).with_name("broken.txt")


def cases() -> list[tuple[str, str, str, str, str]]:
    """Read the table: text, code, location, part of the message, part of the hint."""
    blocks = re.findall(
        r"^(KT\d+) (\S+)\nsays: (.*)\nhint: (.*)\n((?:    .*\n)+)", BROKEN.read_text(), re.MULTILINE
    )
    return [(textwrap.dedent(text), code, place, said, hint) for code, place, said, hint, text in blocks]


PG = "kind: connection\nname: x\ntype: postgres\n"


def found(text):
    """Return the diagnostics of a text."""
    read = parse_manifest_text(text)
    return find_schema_errors(read, str(read.tree.get("kind", "")))


@pytest.mark.parametrize(("text", "code", "place", "message", "hint"), cases())
def test_reports_each_error_with_its_location(text, code, place, message, hint):
    """Each case gives one diagnostic with code, location, message and hint."""
    [finding] = found(text)
    assert (finding.code, str(finding.origin)) == (code, f"manifests/x.yaml:{place}")
    assert message in finding.message
    assert hint in finding.hint
    assert code in load_catalog()


SILENT = ANNOTATIONS | {"if"}
NAMED = ("properties", "patternProperties")
BELOW = ("items", "propertyNames", "then", "else")


def keywords(root: dict[str, Any], part: Any, seen: set[str]) -> Iterator[str]:
    """Yield each keyword that a manifest can violate; of alternatives, only the keyword itself."""
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
def test_the_table_covers_every_keyword(kind):
    """Each keyword of the schemas has a case."""
    assert len(cases()) == BROKEN.read_text().count("\nKT")
    trees = [parse_manifest_text(text).tree for text, code, *_ in cases() if code != "KT130"]
    mine = [each for each in trees if each["kind"] == kind]
    broken = {error.validator for each in mine for error in build_validator(kind).iter_errors(each)}
    # The one constant is the kind itself: where it is another one, another schema is asked (KT130).
    assert broken == set(keywords(load_schema(kind), load_schema(kind), set())) - {"const"}


def test_finds_nested_keywords():
    """Keywords are found behind references, conditions and names, but not inside a condition."""
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


def test_reports_all_errors_at_once():
    """Several errors of a manifest are in one result."""
    text = f"{PG}config:\n  hst: h\n  port: 0\n  sslMode: x\nlabels: {{a: 1}}\nfoo: 1\n"
    assert [finding.code for finding in found(text)] == ["KT131", "KT133", "KT134", "KT133", "KT131"]


def test_leaves_secret_names_of_open_connectors_to_policy():
    """A policy rule reports such a name, because it can be waived."""
    assert found("kind: connection\nname: x\ntype: other\nconfig: {token: t}\n") == ()


def test_hides_a_key_that_may_be_a_secret(canary):
    """A secret in the place of a name is not in the message."""
    secret = canary("ascii")
    [finding] = found(f"{PG}config:\n  ? {secret!r}\n  : x\n")
    assert secret not in finding.message
    assert safe_path(("config", secret)) == "config.▒▒▒"


KEY_PLACES = {
    "at the top": "{key}: x\n",
    "below config": "config: {{host: h, {key}: x}}\n",
    "below secrets": "secrets:\n  {key}: x\n",
    "below secrets, beside a field": "secrets:\n  password: x\n  {key}: z\n",
    "below secrets, as a mapping": "secrets:\n  {key}: {{a: b}}\n",
    "below a secret": "secrets:\n  password: {{{key}: x}}\n",
    "below rotation": "rotation: {{{key}: x}}\n",
    "below lifecycle": "lifecycle: {{{key}: true}}\n",
    "in keep": "keep: [{key}, password.{key}]\n",
    "in a waiver": "waive:\n- {{rule: KT300, reason: r, {key}: x}}\n",
    "null below secrets": "secrets:\n  {key}:\n",
}


@pytest.mark.parametrize("place", KEY_PLACES)
@given(key=some.from_regex(r"q[A-Za-z0-9_-]{5,40}[0-9]", fullmatch=True))
def test_no_unknown_key_is_shown(place, key):
    """A value in the place of a key is not in any finding, wherever it stands."""
    text = f"kind: credential\nname: x\ntype: database\n{KEY_PLACES[place].format(key=key)}"
    findings = found(text)
    assert findings
    assert not [each for each in findings if key in each.message or key in each.hint]


@some.composite
def mutants(draw: some.DrawFn) -> tuple[str, dict[str, Any]]:
    """Return an example in which one part is replaced."""
    name = draw(some.sampled_from(sorted(read_examples())))
    mutant = copy.deepcopy(parse_example(name))
    inner = [mutant, *(value for value in mutant.values() if isinstance(value, dict))]
    target = draw(some.sampled_from(inner))
    key = draw(some.sampled_from([*target, "unheard", "refresh_token", "staging", "keep"]))
    values = [None, 7, "", "canary-value", ["canary-value"], {"canary": "canary-value"}, {}, True]
    target[key] = draw(some.sampled_from(values))
    return name.partition("/")[0].removesuffix("s"), mutant


@given(mutants())
def test_reports_every_mutation_without_values(asked):
    """Each invalid manifest has a diagnostic with a known code, and no diagnostic contains a value."""
    kind, mutant = asked
    made = Document("x.yaml", mutant, "", SpanIndex(dict))
    said = find_schema_errors(made, kind)
    names = [key for block in mutant.values() if isinstance(block, dict) for key in block]
    if not is_valid_manifest(mutant, kind) and not any(map(is_secret_name, names)):
        assert said
    assert all(finding.code in load_catalog() for finding in said)
    assert "canary-value" not in repr(said)
