"""The seal: canonical form, test vectors and uniqueness."""

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
    """Read the test vectors from the module's docstring."""
    lines = [line.strip() for line in (seal.__doc__ or "").splitlines()]
    return [
        (ast.literal_eval(line), lines[at + 1])
        for at, line in enumerate(lines)
        if line.startswith('("credential"')
    ]


def typed(value: object) -> object:
    """Return a value that equals another only if all types are equal, too."""
    if isinstance(value, dict):
        return ("m", frozenset((key, typed(item)) for key, item in value.items()))
    if isinstance(value, list):
        return ("l", tuple(typed(item) for item in value))
    return (type(value).__name__, value)


def test_vectors_of_the_specification():
    """The documented vectors match the implementation."""
    assert len(vectors()) == 3
    for arguments, expected in vectors():
        assert compute_seal(*arguments) == expected


@given(INPUTS, INPUTS)
def test_seals_are_equal_only_for_equal_inputs(one, other):
    """No shifted byte, renamed key or changed type gives the same seal."""
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
def test_every_change_of_an_input_changes_the_seal(changed):
    """Kind, name, type, every key, value and type, and every added field count."""
    assert compute_seal(*changed) != compute_seal("credential", "prod-x", "database", DATABASE)


def test_the_order_of_fields_does_not_matter():
    """Sorting the keys of a file keeps its seal."""
    backwards = dict(reversed(DATABASE.items()))
    assert compute_seal("credential", "x", "database", backwards) == compute_seal(
        "credential", "x", "database", DATABASE
    )


def test_a_reference_differs_from_its_text():
    """``credential/x`` as text and as a reference have different seals."""
    path = ("config", "staging")
    one, other = {path: Address("credential", "x")}, {path: "credential/x"}
    assert compute_seal("credential", "x", "aws", one) != compute_seal("credential", "x", "aws", other)


def test_unsupported_type_raises():
    """A value that YAML cannot contain raises TypeError."""
    with pytest.raises(TypeError, match="type bytes"):
        compute_seal("credential", "x", "aws", {("config", "host"): b"db"})


def test_select_fields():
    """Paths without a field are skipped."""
    paths = [("config", "host"), ("config", "proxy")]
    assert select_fields({**DATABASE, ("config", "pool"): 3}, paths) == {("config", "host"): "db"}
