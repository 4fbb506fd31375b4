"""jsonschema-rs and jsonschema give the same verdict; where they may differ, jsonschema decides."""

import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from jsonschema import Draft202012Validator
from jsonschema_rs import Draft202012Validator as FastValidator

from example_manifests import parse_example, read_examples
from keyturn.kinds import KINDS
from keyturn.model.secret_detection import SECRET_NAME_PATTERN
from keyturn.schema.definitions import compile_pattern, list_known_types, load_schema, load_type_schema
from keyturn.schema.messages import find_schema_errors
from keyturn.schema.strict_validator import build_validator, build_validator_class
from keyturn.schema.validate import compile_schema, is_accepted, is_valid_manifest
from keyturn.yamldoc.reader import Document, SpanIndex
from vocabulary import list_schemas

PASSWORD = {"kind": "credential", "name": "x", "type": "password", "secrets": {"password": "p"}}
POSTGRES = {"kind": "connection", "name": "x", "type": "postgres"}
REST = {"kind": "connection", "name": "x", "type": "rest_api"}
SUITE = json.loads(Path(__file__).with_name("draft2020_12.json").read_text())["groups"]
CASES = [
    pytest.param(group["schema"], data, valid, id=f"{group['file']}: {group['description']}: {name}")
    for group in SUITE
    for name, data, valid in group["tests"]
]
LAX = "integer type matches integers: a float with zero fractional part is an integer"
PATTERNS = sorted(
    {part["pattern"] for kind in KINDS for part in list_schemas(load_schema(kind)) if "pattern" in part}
    | {
        each
        for kind in KINDS
        for part in list_schemas(load_schema(kind))
        for each in part.get("patternProperties", ())
    }
)
CHARACTERS = [
    *map(chr, range(0x250)),
    *"\u1680\u180e\u2028\u2029\u202f\u205f\u3000\ufeff\ufffe\U0001f600",
    *map(chr, range(0x2000, 0x2010)),
]
TEXTS = ["a", "host.example.com", "headers.A", "key_a", "arn:aws:iam::123456789012:role/r", "https://h"]
TEXTS += ["credential/x", "KT310", "90d", "api_key", "token_url"]
KEYS = [
    "kind",
    "name",
    "type",
    "config",
    "secrets",
    "keep",
    "labels",
    "rotation",
    "waive",
    "ref",
    "undocumented",
]
KEYS += ["host", "port", "username", "password", "private_key", "api_key", "key_a", "headers", "role_arn"]
KEYS += ["ssh_host", "scopes", "refresh_token", "token", "staging", "credentialId", "unheard", "seal"]
VALUES = [
    None,
    True,
    False,
    0,
    1,
    22,
    2.5,
    70000,
    10**40,
    "",
    "x",
    "x\n",
    "prod-x",
    "aws",
    "database",
    "postgres",
]
VALUES += [
    "snowflake",
    "credential/x",
    "connection/x",
    "word",
    {},
    [],
    ["x"],
    ["x", "x"],
    [1, True],
    [[1], [1]],
]
VALUES += [{"ref": "credential/x"}, {"ref": "credential/X"}, {"ref": 1}, {"token": "x"}]
VALUES += [[{"ref": "credential/x"}], {"a": {"b": None}}, [{"a": 1, "b": 2}, {"b": 2, "a": 1}]]
ODD = [
    5432.0,
    -0.0,
    1e300,
    math.nan,
    math.inf,
    -math.inf,
    10**400,
    "\ud800",
    ("x",),
    {"\udfff": "x"},
    {"a": "\ud800"},
]


def has_whole_float(value: Any) -> bool:
    """Tell whether a value is or contains a number such as 5432.0, on which jsonschema decides."""
    if isinstance(value, dict):
        return any(map(has_whole_float, value.values()))
    return any(map(has_whole_float, value)) if isinstance(value, list) else str(value).endswith(".0")


@pytest.mark.parametrize(("rules", "data", "valid"), CASES)
def test_both_pass_the_official_suite(rules, data, valid, request):
    """jsonschema-rs agrees with the suite or leaves the decision to jsonschema, stricter in one point."""
    exact = build_validator_class()(rules).is_valid(data)
    assert exact is (valid and LAX not in request.node.name)
    assert is_accepted(data, FastValidator(rules)) is (exact and not has_whole_float(data))


@some.composite
def examples(draw: some.DrawFn) -> tuple[str, dict[str, Any]]:
    """Return a manifest built from the schema of a type; it may be incomplete."""
    kind = draw(some.sampled_from(sorted(KINDS)))
    name = draw(some.sampled_from(sorted(list_known_types(kind))))
    made: dict[str, Any] = {"kind": kind, "name": "prod-x", "type": name}
    for block in ("config", "secrets"):
        fields = load_type_schema(kind, name).get("properties", {}).get(block, {}).get("properties", {})
        chosen = draw(some.lists(some.sampled_from(sorted(fields)), unique=True)) if fields else []
        shown = {key: draw(some.sampled_from(fields[key].get("examples") or ["word"])) for key in chosen}
        made |= {block: copy.deepcopy(shown)} if shown else {}
    return kind, made


@some.composite
def mutants(draw: some.DrawFn, values: tuple[Any, ...] = tuple(VALUES)) -> tuple[str, dict[str, Any]]:
    """Return a valid or generated manifest with up to three changes."""
    name = draw(some.sampled_from(sorted(read_examples())))
    right = (name.partition("/")[0].removesuffix("s"), copy.deepcopy(parse_example(name)))
    kind, mutant = draw(some.one_of(some.just(right), examples()))
    for _ in range(draw(some.integers(0, 3))):
        target = draw(
            some.sampled_from([mutant, *(each for each in mutant.values() if isinstance(each, dict))])
        )
        key = draw(some.sampled_from([*target, *KEYS]) | some.text(max_size=6))
        if draw(some.booleans()):
            target.pop(key, None)
        else:
            target[key] = copy.deepcopy(draw(some.sampled_from(values) | some.text(max_size=6)))
    return kind, mutant


@given(mutants())
def test_both_agree_on_manifests(asked):
    """Both accept the same examples and mutations."""
    kind, mutant = asked
    assert is_accepted(mutant, compile_schema(kind)) is build_validator(kind).is_valid(mutant)


@given(mutants((*VALUES, *ODD)))
def test_jsonschema_decides_on_odd_values(asked):
    """Whole floats, NaN, lone surrogates and tuples raise nothing and are not accepted wrongly."""
    kind, mutant = asked
    exact = build_validator(kind).is_valid(mutant)
    assert exact or not is_accepted(mutant, compile_schema(kind))
    assert is_valid_manifest(mutant, kind) is exact
    said = find_schema_errors(Document("x.yaml", mutant, "", SpanIndex(dict)), kind)
    assert not (exact and said)


@pytest.mark.parametrize("name", read_examples())
def test_every_example_is_accepted(name):
    """The unchanged examples are valid."""
    assert is_accepted(parse_example(name), compile_schema(name.partition("/")[0].removesuffix("s")))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_both_agree_on_patterns(pattern):
    """The texts have each white space, control character and letter at the start, inside and at the end."""
    fast = FastValidator({"pattern": pattern})
    for text in TEXTS:
        for one in CHARACTERS:
            for changed in (one + text, text[:1] + one + text[1:], text + one):
                assert fast.is_valid(changed) is (compile_pattern(pattern).search(changed) is not None)


@pytest.mark.parametrize(
    ("key", "valid"), [("a" * 1_000_000 + "token", False), ("x_token" + "a" * 1_000_000, True)]
)
def test_a_pattern_beyond_the_backtracking_limit_accepts_nothing(key, valid):
    """A condition that negates the pattern fails, too."""
    assert not FastValidator({"pattern": SECRET_NAME_PATTERN}).is_valid(key)
    assert (
        not is_accepted(key, FastValidator({"if": {"pattern": SECRET_NAME_PATTERN}, "then": False})) or valid
    )
    assert is_valid_manifest({**REST, "config": {"headers": {key: "x"}}}, "connection") is valid


def test_accepts_any_depth():
    """Neither the check of plain values nor a validator recurses into parts without a schema."""
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}
    assert is_accepted({"x": deep}, FastValidator({"required": ["x"]}))


@pytest.mark.parametrize(
    "odd", [{1: 2}, {None: "x"}, {"config": {1: "x"}}, {"secrets": {1: "x"}}, {"labels": {1: 2}}]
)
@pytest.mark.parametrize("right", [PASSWORD, POSTGRES])
def test_rejects_a_key_that_is_not_text(right, odd):
    """YAML files have no such key; jsonschema decides on such a tree."""
    assert not is_accepted({**right, **odd}, compile_schema(right["kind"]))


@pytest.mark.parametrize(
    ("tree", "kind"),
    [
        ({**PASSWORD, "name": "x\n"}, "credential"),
        ({**POSTGRES, "config": {"port": 5432.0}}, "connection"),
        ({**POSTGRES, "config": {"host": "db\n"}}, "connection"),
    ],
)
def test_rejects_what_plain_jsonschema_accepts(tree, kind):
    """A final newline is rejected, and a float that sops would replace by an integer."""
    assert Draft202012Validator(load_schema(kind)).is_valid(tree)
    assert not build_validator(kind).is_valid(tree)
    assert not is_valid_manifest(tree, kind)


@pytest.mark.parametrize("right", [PASSWORD, POSTGRES])
def test_accepts_all_other_values(right):
    """The two stricter points change no other verdict."""
    assert build_validator(right["kind"]).is_valid(right)


@pytest.mark.parametrize("port", [True, 10**400, -(10**400)])
def test_rejects_invalid_ports(port):
    """A boolean is not an integer, and integers of any size are compared."""
    assert not build_validator("connection").is_valid({**POSTGRES, "config": {"port": port}})
    assert not is_valid_manifest({**POSTGRES, "config": {"port": port}}, "connection")
