"""The seal: its canonical form, its test vectors, and that nothing else has the same form."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as some

from keyturn.model import seal
from keyturn.model.address import Address
from keyturn.model.seal import compute_seal, select_fields

DATABASE = {("config", "host"): "db", ("config", "port"): 5432}
LEAVES = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(0, 12)
    | some.sampled_from([0.5, 1.0])
    | some.text("a1:s", max_size=3),
    lambda inner: (
        some.lists(inner, max_size=2) | some.dictionaries(some.text("a1:s", max_size=2), inner, max_size=2)
    ),
    max_leaves=4,
)
PATHS = some.lists(some.text("a1:s", max_size=2), min_size=1, max_size=3).map(tuple)
WORDS = some.text("a1:s", max_size=3)
INPUTS = some.tuples(WORDS, WORDS, WORDS, some.dictionaries(PATHS, LEAVES, max_size=3))


def vectors() -> list[tuple[tuple[object, ...], str]]:
    """Read the vectors out of the module's docstring."""
    lines = [line.strip() for line in (seal.__doc__ or "").splitlines()]
    return [
        (ast.literal_eval(line), lines[at + 1])
        for at, line in enumerate(lines)
        if line.startswith('("credential"')
    ]


def typed(value: object) -> object:
    """Return a value that equals another only where both are of the same types throughout."""
    if isinstance(value, dict):
        return ("m", frozenset((key, typed(item)) for key, item in value.items()))
    if isinstance(value, list):
        return ("l", tuple(typed(item) for item in value))
    return (type(value).__name__, value)


def test_the_vectors_of_the_specification_hold():
    """What the docstring promises to other implementations is what is computed."""
    assert len(vectors()) == 3
    for arguments, expected in vectors():
        assert compute_seal(*arguments) == expected


@given(INPUTS, INPUTS)
def test_two_seals_are_equal_only_for_equal_inputs(one, other):
    """No shift of bytes, renamed key or changed type gives another input the same seal."""
    assert (compute_seal(*one) == compute_seal(*other)) is (typed(list(one)) == typed(list(other)))


@pytest.mark.parametrize(
    "changed",
    [
        ("connection", "prod-x", "database", DATABASE),
        ("credential", "prod-y", "database", DATABASE),
        ("credential", "prod-x", "password", DATABASE),
        ("credential", "prod-x", "database", {**DATABASE, ("config", "host"): "evil"}),
        ("credential", "prod-x", "database", {**DATABASE, ("config", "port"): "5432"}),
        ("credential", "prod-x", "database", {("config", "host"): "db5", ("config", "port"): 432}),
        ("credential", "prod-x", "database", {("config", "hos"): "tdb", ("config", "port"): 5432}),
        ("credential", "prod-x", "database", {**DATABASE, ("config", "proxy"): ""}),
        ("credential", "prod-x", "database", {**DATABASE, ("config", "proxy"): None}),
        ("credential", "prod-x", "database", {("config", "host"): "db"}),
    ],
)
def test_each_way_of_changing_an_input_changes_the_seal(changed):
    """Kind, name, type, every value, every key, every type and every empty addition count."""
    assert compute_seal(*changed) != compute_seal("credential", "prod-x", "database", DATABASE)


def test_the_order_of_fields_does_not_matter():
    """A file whose keys were sorted keeps its seal."""
    backwards = dict(reversed(DATABASE.items()))
    assert compute_seal("credential", "x", "database", backwards) == compute_seal(
        "credential", "x", "database", DATABASE
    )


def test_a_reference_is_not_the_text_that_names_it():
    """``credential/x`` as text and as a reference are two things."""
    path = ("config", "staging")
    one, other = {path: Address("credential", "x")}, {path: "credential/x"}
    assert compute_seal("credential", "x", "aws", one) != compute_seal("credential", "x", "aws", other)


def test_a_value_of_no_known_type_is_a_bug_and_said_so():
    """Something that YAML cannot hold raises; it is not sealed as its repr."""
    with pytest.raises(TypeError, match="type bytes"):
        compute_seal("credential", "x", "aws", {("config", "host"): b"db"})


def test_the_destination_is_what_stands_at_its_paths():
    """Paths that the manifest does not state are no part of it."""
    paths = [("config", "host"), ("config", "proxy")]
    assert select_fields({**DATABASE, ("config", "pool"): 3}, paths) == {("config", "host"): "db"}
