"""Entries as JSON and back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.model.address import Address
from keyturn.model.resource import StateEntry
from keyturn.state.codec import Codec
from shapes import addresses, fields, names, prints

entries = st.builds(
    StateEntry,
    address=addresses,
    id=names,
    type=names,
    digest=names,
    applied=fields,
    observed=fields,
    fingerprints=prints,
    updated_at=names,
    earlier=st.lists(names, max_size=2).map(tuple),
    rotated_at=st.text(max_size=4),
    retired_at=st.text(max_size=4),
    protect=st.booleans(),
    commit=st.text(max_size=4),
)


@given(entries)
def test_an_entry_comes_back_from_json_as_it_was(entry):
    """Whatever a manifest can say survives, down to the difference between 1 and true."""
    back = Codec().decode_entry(json.loads(json.dumps(Codec().encode_entry(entry))))
    assert back == entry
    assert repr(sorted(back.observed.items(), key=repr)) == repr(sorted(entry.observed.items(), key=repr))


def test_what_is_empty_or_said_already_is_left_out(known):
    """An entry costs what it has to say."""
    plain = known(
        observed={("config", "host"): "db.acme.com", ("config", "port"): 5432},
        fingerprints={},
        earlier=(),
        rotated_at="",
        commit="",
    )
    assert set(Codec().encode_entry(plain)) == {"address", "id", "type", "digest", "applied", "updated_at"}


@pytest.mark.parametrize("seen", [True, 1.0])
def test_what_equals_only_in_python_is_kept_apart(known, seen):
    """1, 1.0 and true are one value to Python and three to a service."""
    entry = known(applied={("config", "n"): 1}, observed={("config", "n"): seen})
    back = Codec().decode_entry(Codec().encode_entry(entry))
    assert type(back.observed["config", "n"]) is type(seen)


def test_a_reference_is_told_from_a_mapping_that_looks_like_one(known):
    """A list of a user may hold `{ref: …}` that is not a reference."""
    leaf = [Address("credential", "x"), {"ref": "credential/x"}, {"literal": {"ref": "a"}}]
    tree = Codec().encode_entry(known(applied={("config", "list"): leaf}))
    assert tree["applied"]["/config/list"][0] == {"ref": "credential/x"}
    assert Codec().decode_entry(json.loads(json.dumps(tree))).applied["config", "list"] == leaf


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("address", "nothing"),
        ("address", 7),
        ("id", 7),
        ("applied", ["a"]),
        ("fingerprints", {"/password": 7}),
        ("earlier", "abc"),
        ("earlier", [7]),
        ("commit", None),
    ],
)
def test_a_tree_that_is_no_entry_is_refused(known, name, value):
    """Nothing of another shape gets in by way of JSON."""
    tree = Codec().encode_entry(known()) | {name: value}
    with pytest.raises((ValueError, TypeError, AttributeError)):
        Codec().decode_entry(tree)


def test_entries_cannot_be_changed_in_place(known):
    """What was decoded is read-only."""
    back = Codec().decode_entry(Codec().encode_entry(known()))
    for mapping in (back.applied, back.observed, back.fingerprints):
        with pytest.raises(TypeError):
            mapping["x",] = "y"
