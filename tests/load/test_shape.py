"""The compiled question: the same answer as jsonschema, on whatever is asked."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from jsonschema import Draft202012Validator

from corpus import manifests, tree
from keyturn.load.definitions import schema
from keyturn.load.shape import ANNOTATIONS, compiled, expression
from keyturn.load.strict import strict

KEYS = [
    *(
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
    ),
    *(
        "host",
        "port",
        "username",
        "password",
        "private_key",
        "api_key",
        "key_a",
        "headers",
        "role_arn",
        "ssh_host",
    ),
    *(
        "ssh_username",
        "scopes",
        "refresh_token",
        "token",
        "staging",
        "credentialId",
        "sslMode",
        "unheard",
        "seal",
    ),
]
VALUES = [
    *(
        None,
        True,
        False,
        0,
        1,
        22,
        1.0,
        70000,
        "",
        "x",
        "x\n",
        "prod-x",
        "aws",
        "database",
        "postgres",
        "snowflake",
    ),
    *("credential/x", "connection/x", "word", {}, [], ["x"], ["x", "x"], [1, True], {"ref": "credential/x"}),
    *({"ref": "credential/X"}, {"ref": 1}, {"token": "x"}, [{"ref": "credential/x"}], {"a": {"b": None}}),
]


@some.composite
def mutants(draw: some.DrawFn) -> tuple[str, dict[str, Any]]:
    """Return an example with up to three things changed, added or removed."""
    name = draw(some.sampled_from(sorted(manifests())))
    mutant = copy.deepcopy(tree(name))
    for _ in range(draw(some.integers(0, 3))):
        inner = [mutant, *(value for value in mutant.values() if isinstance(value, dict))]
        target = draw(some.sampled_from(inner))
        key = draw(some.sampled_from([*target, *KEYS]))
        if draw(some.booleans()):
            target.pop(key, None)
        else:
            target[key] = copy.deepcopy(draw(some.sampled_from(VALUES)))
    return name.partition("/")[0].removesuffix("s"), mutant


@given(mutants())
def test_the_answer_is_jsonschemas(asked):
    """What one accepts the other accepts, over the examples and whatever becomes of them."""
    kind, mutant = asked
    assert compiled(schema(kind))(mutant) is strict(kind).is_valid(mutant)


@pytest.mark.parametrize("name", manifests())
def test_every_example_fits(name):
    """The examples that are mutated above are right themselves."""
    assert compiled(schema(name.partition("/")[0].removesuffix("s")))(tree(name))


SMALL = [
    {"type": ["string", "null"]},
    {"const": True},
    {"const": 1},
    {"const": "x"},
    {"enum": ["x", "y"]},
    {"minLength": 1, "maxLength": 2},
    {"minimum": 1, "maximum": 5},
    {"minItems": 1, "maxItems": 2, "uniqueItems": True},
    {"minProperties": 1, "maxProperties": 1},
    {"items": {"type": "integer"}},
    {"contains": {"type": "number"}},
    {"required": ["ref"]},
    {"properties": {"ref": {"type": "string"}}, "additionalProperties": False},
    {"patternProperties": {"^r": {"type": "string"}}, "additionalProperties": {"type": "null"}},
    {
        "properties": {"ref": True},
        "patternProperties": {"^r": {"minLength": 2}},
        "additionalProperties": False,
    },
    {"additionalProperties": {"type": "object"}},
    {"propertyNames": {"pattern": "^r"}},
    {"not": {"type": "string"}},
    {"anyOf": [{"type": "string"}, {"type": "array"}]},
    {"oneOf": [{"type": "string"}, {"minLength": 2}]},
    {"if": {"type": "string"}, "then": {"minLength": 2}, "else": {"type": "array"}},
    {"if": {"type": "string"}, "then": False},
    {"allOf": [{"type": "string"}, {"minLength": 2}]},
    {"$ref": "#/$defs/text", "$defs": {"text": {"type": "string"}}},
    {
        "allOf": [
            {
                "if": {"properties": {"type": {"const": "x"}}, "required": ["type"]},
                "then": {"required": ["a"]},
            }
        ]
    },
    {
        "allOf": [
            {
                "if": {"properties": {"type": {"enum": ["x"]}}, "required": ["type"]},
                "then": {"required": ["a"]},
            }
        ]
    },
]


@pytest.mark.parametrize("small", SMALL, ids=str)
def test_each_keyword_means_what_jsonschema_means(small):
    """One keyword at a time, over every shape of value, booleans and numbers told apart."""
    answers = {True: 0, False: 0}
    for value in [*VALUES, {"type": "x"}, {"type": "x", "a": 1}, {"type": ["x"]}, {"ref": "x", "s": None}]:
        accepted = compiled(small)(value)
        assert accepted is Draft202012Validator(small).is_valid(value), value
        answers[accepted] += 1
    assert all(answers.values())


@pytest.mark.parametrize("keyword", ["dependentRequired", "format", "multipleOf", "unevaluatedProperties"])
def test_a_keyword_that_is_not_compiled_is_refused(keyword):
    """No keyword of a schema is passed over in silence."""
    with pytest.raises(ValueError, match=keyword):
        compiled({keyword: {}})


def test_an_enum_of_more_than_text_is_refused():
    """Sets of Python take 1 for true; the schemas have no need of it."""
    with pytest.raises(ValueError, match="enum"):
        compiled({"enum": ["x", 1]})


def test_annotations_say_nothing_about_what_fits():
    """A description is no condition, and neither is anything that begins with x-."""
    assert compiled({**dict.fromkeys(ANNOTATIONS, "x"), "$defs": {}, "x-destination": True})(object())


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("^a$", "a", True),
        ("^a$", "a\n", False),
        (r"^a\$", "a$b", True),
        ("^[$]$", "$", True),
        ("^[$]$", "$\n", False),
        (r"[\]$]$", "x$", True),
    ],
)
def test_a_dollar_is_the_very_end(pattern, text, fits):
    """As in JSON Schema, and not also before a last newline as in Python."""
    assert (expression(pattern).search(text) is not None) is fits
