"""The stored form of entries: it keeps every value and its type, and refuses other forms."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.model.address import Address
from keyturn.model.resource import Generation, GenerationRole, StateEntry
from keyturn.state.codec import StoredEntry, from_stored_entry, to_stored_entry
from manifest_strategies import address_strategy, fields_strategy, fingerprints_strategy, name_strategy


def _is_plain_text(text):
    return text.isprintable() and not set(text) & set("/\\%?#. ")


entries = st.builds(
    StateEntry,
    address=address_strategy.filter(lambda address: _is_plain_text(address.name)),
    id=st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True),
    type=name_strategy,
    digest=name_strategy,
    applied=fields_strategy,
    observed=fields_strategy,
    fingerprints=fingerprints_strategy,
    updated_at=name_strategy,
    earlier=st.lists(name_strategy, max_size=2).map(tuple),
    rotated_at=st.text(max_size=4),
    retired_at=st.text(max_size=4),
    protect=st.booleans(),
    commit=st.text(max_size=4),
    generation=st.none()
    | st.builds(
        Generation,
        role=st.sampled_from(GenerationRole),
        resource=name_strategy,
        retires_on=st.just("") | st.dates().map(str),
        replaces=st.sampled_from(["", "cred_1"]),
    ),
)


def encode(entry):
    """Return an entry as JSON."""
    return msgspec.json.encode(to_stored_entry(entry))


def decode(data):
    """Return the entry of its JSON."""
    return from_stored_entry(msgspec.json.decode(data, type=StoredEntry))


@given(entries)
def test_an_entry_keeps_every_value_and_its_type(entry):
    """All values of a manifest survive, and 1, 1.0 and true stay distinct."""
    decoded = decode(encode(entry))
    assert decoded == entry
    assert repr(sorted(decoded.observed.items(), key=repr)) == repr(sorted(entry.observed.items(), key=repr))


def test_empty_fields_are_left_out(known):
    """Empty fields, and observed fields identical to the applied ones, are not stored."""
    plain = known(
        observed={("config", "host"): "db.acme.com", ("config", "port"): 5432},
        fingerprints={},
        earlier=(),
        rotated_at="",
        commit="",
    )
    assert set(msgspec.json.decode(encode(plain))) == {
        "address",
        "id",
        "type",
        "digest",
        "applied",
        "updated_at",
    }


@pytest.mark.parametrize("seen", [True, 1.0])
def test_observed_values_of_another_type_are_stored(known, seen):
    """Python compares 1, 1.0 and true as equal; a service does not."""
    entry = known(applied={("config", "n"): 1}, observed={("config", "n"): seen})
    assert type(decode(encode(entry)).observed["config", "n"]) is type(seen)


def test_a_mapping_that_looks_like_a_reference_stays_a_mapping(known):
    """`{ref: …}` in a list of the user is not a reference."""
    leaf = [Address("credential", "x"), {"ref": "credential/x"}, {"literal": {"ref": "a"}}]
    data = encode(known(applied={("config", "list"): leaf}))
    assert msgspec.json.decode(data)["applied"]["/config/list"][0] == {"ref": "credential/x"}
    assert decode(data).applied["config", "list"] == leaf


@pytest.mark.parametrize(
    ("name", "value", "path"),
    [
        ("address", "nothing", "kind/name"),
        ("address", 7, "$.address"),
        ("id", 7, "$.id"),
        ("id", "..", "other characters than letters, digits, - and _"),
        ("id", "../connections/x", "the ID of "),
        ("id", "a\0b", "the ID of "),
        ("id", "x" * 201, "the ID of "),
        ("applied", ["a"], "$.applied"),
        ("applied", {"/a": {"ref": 7}}, "Expected `str`, got `int`"),
        ("applied", {"/a": [{"ref": "x"}]}, "kind/name"),
        ("applied", {"/a": {"literal": 7}}, "Expected `object`, got `int`"),
        ("fingerprints", {"/password": 7}, "$.fingerprints[...]"),
        ("earlier", "abc", "$.earlier"),
        ("earlier", [7], "$.earlier[0]"),
        ("commit", None, "$.commit"),
        ("protect", 1, "$.protect"),
    ],
)
def test_an_entry_of_another_form_is_refused_with_a_path(known, name, value, path):
    """The error names the field with the wrong type."""
    tree = msgspec.json.decode(encode(known())) | {name: value}
    with pytest.raises(ValueError, match=re.escape(path)):
        decode(msgspec.json.encode(tree))


def test_decoded_mappings_are_read_only(known):
    """A decoded entry cannot be changed in place."""
    decoded = decode(encode(known()))
    for mapping in (decoded.applied, decoded.observed, decoded.fingerprints):
        with pytest.raises(TypeError):
            mapping["x",] = "y"
