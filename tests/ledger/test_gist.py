"""The gist of a manifest as JSON."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.core.address import Address
from keyturn.core.resource import Gist, Known, Lifecycle
from keyturn.ledger.entry import Codec
from keyturn.ledger.gist import fitting
from shapes import addresses, fields, names, prints

lives = st.builds(
    Lifecycle,
    protect=st.booleans(),
    moved_from=st.text(max_size=4),
    max_age_days=st.integers(0, 400),
    strategy=names,
    grace_days=st.integers(0, 30),
)
gists = st.builds(
    Gist,
    file=names,
    digest=names,
    address=addresses,
    type=names,
    fields=fields,
    secrets=prints,
    keep=st.lists(st.lists(names, min_size=1, max_size=2).map(tuple), max_size=2).map(tuple),
    labels=st.dictionaries(names, names, max_size=2),
    lifecycle=lives,
    waivers=st.lists(st.tuples(names, names), max_size=2).map(tuple),
    passed=names,
)
WHOLE = Gist(
    file="manifests/prod-x.yaml",
    digest="d" * 64,
    address=Address("credential", "prod-x"),
    type="database",
    fields={("config", "host"): "db.acme.com"},
    secrets={("password",): "a" * 64},
    keep=(("ssh_private_key",),),
    labels={"owner": "data"},
    lifecycle=Lifecycle(protect=True, max_age_days=90),
    waivers=(("KT330", "because"),),
    passed="b" * 64,
)


def entry(gist, applied):
    """Return the entry of what a gist is of."""
    return Known(
        address=gist.address,
        id="c1",
        type=gist.type,
        digest=gist.digest,
        applied=applied,
        observed=applied,
        fingerprints={},
        updated_at="t",
        gist=gist,
    )


def through(known):
    """Send an entry through JSON."""
    return Codec().decode(json.loads(json.dumps(Codec().encode(known))))


@given(gists, fields, st.booleans())
def test_a_gist_comes_back_as_it_was(gist, other, same):
    """Whether or not its fields are those that the entry holds."""
    known = entry(gist, gist.fields if same else other)
    back = through(known)
    assert back == known
    assert repr(sorted(back.gist.fields.items(), key=repr)) == repr(sorted(gist.fields.items(), key=repr))


def test_what_the_entry_says_is_not_said_twice():
    """Address, type, digest and, as a rule, the fields: an entry grows by what is new in it."""
    tree = Codec().encode(entry(WHOLE, WHOLE.fields))["gist"]
    assert set(tree) == {"file", "passed", "secrets", "keep", "labels", "lifecycle", "waivers"}
    assert tree["lifecycle"] == {"protect": True, "max_age_days": 90}
    assert set(Codec().encode(entry(WHOLE, {}))["gist"]) - set(tree) == {"fields"}


@pytest.mark.parametrize("part", [{"digest": ""}, {"digest": "e" * 64}, {"type": "aws"}])
def test_a_gist_of_another_file_is_not_kept(part):
    """It would be taken for that of the file which the entry was applied from."""
    known = replace(entry(WHOLE, {}), **part)
    assert fitting(known) is None
    assert "gist" not in Codec().encode(known)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("file", 7),
        ("file", None),
        ("passed", 7),
        ("labels", {"owner": 7}),
        ("labels", ["owner"]),
        ("secrets", {"/password": 7}),
        ("keep", [7]),
        ("keep", "/password"),
        ("lifecycle", {"protect": "yes"}),
        ("lifecycle", {"max_age_days": True}),
        ("lifecycle", {"other": 1}),
        ("waivers", [["KT330"]]),
        ("waivers", [["KT330", 7]]),
        ("waivers", ["KT"]),
        ("waivers", [7]),
        ("fields", ["a"]),
    ],
)
def test_a_tree_that_is_no_gist_is_refused(name, value):
    """Nothing of another shape gets in by way of JSON."""
    tree = Codec().encode(entry(WHOLE, {}))
    tree["gist"] = tree["gist"] | {name: value}
    with pytest.raises((ValueError, TypeError, AttributeError, KeyError)):
        Codec().decode(tree)


def test_a_gist_needs_its_file():
    """Without it nothing could be looked up."""
    tree = Codec().encode(entry(WHOLE, {}))
    tree["gist"] = {"passed": "b"}
    with pytest.raises(KeyError):
        Codec().decode(tree)
