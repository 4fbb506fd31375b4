"""What each side of a merge changed, and what contradicts."""

import pytest

from keyturn.manifests.three_way import (
    MergeSide,
    compute_tree_changes,
    merge_secret_changes,
    select_data_key_side,
)
from keyturn.model.secret import Secret
from sops_files import parse_text

TEXT = """\
kind: credential
name: prod-db
type: database
config: {host: HOST, port: 5432}
sops: {age: [{recipient: WHO, enc: KEY}], mac: MAC, lastmodified: NOW}
"""


def side(secrets, host="db", who="me", key="k", mac="m"):
    """Return a side with secrets and a destination."""
    text = TEXT.replace("HOST", host).replace("WHO", who).replace("KEY", key).replace("MAC", mac)
    opened = {("secrets", name): Secret(value) for name, value in secrets.items()}
    return MergeSide(parse_text(text), opened)


BASE = {"password": "old", "token": "old", "seal": "s"}


@pytest.mark.parametrize(
    ("ours", "theirs", "changed", "conflicting"),
    [
        ({}, {}, {}, []),
        ({"password": "new"}, {}, {}, []),
        ({}, {"password": "new"}, {"password": "new"}, []),
        ({"password": "new"}, {"token": "new"}, {"token": "new"}, []),
        ({"password": "new"}, {"password": "new"}, {}, []),
        ({"password": "new"}, {"password": "other"}, {}, ["password"]),
        ({}, {"password": None}, {"password": None}, []),
        ({"password": None}, {}, {}, []),
        ({"password": None}, {"password": "new"}, {}, ["password"]),
        ({"password": "new"}, {"password": None}, {}, ["password"]),
        ({"added": "x"}, {"more": "y"}, {"more": "y"}, []),
        ({"added": "x"}, {"added": "y"}, {}, ["added"]),
    ],
)
def test_each_secret_is_merged_alone(ours, theirs, changed, conflicting):
    """A secret of one side is taken; different ones of both sides contradict."""
    sides = []
    for changes in ({}, ours, theirs):
        secrets = {name: value for name, value in {**BASE, **changes}.items() if value is not None}
        sides.append(side(secrets))
    merged = merge_secret_changes(*sides)
    expected = {("secrets", name): value and Secret(value) for name, value in changed.items()}
    assert dict(merged.changed) == expected
    assert merged.conflicts == tuple(f"secrets.{name}: both sides changed it" for name in conflicting)


@pytest.mark.parametrize(
    ("ours", "theirs", "conflicts"),
    [
        (side({**BASE, "seal": "t"}, host="new"), side({**BASE, "password": "new"}), 1),
        (side({**BASE, "password": "new"}), side({**BASE, "seal": "t"}, host="new"), 1),
        (side({**BASE, "seal": "t"}, host="new"), side(BASE, mac="other"), 0),
        (side({**BASE, "seal": "t", "password": "new"}, host="new"), side(BASE), 0),
    ],
)
def test_a_new_secret_does_not_go_to_a_moved_destination(ours, theirs, conflicts):
    """Nobody who holds the key agreed to this pair."""
    assert len(merge_secret_changes(side(BASE), ours, theirs).conflicts) == conflicts


def test_the_side_with_a_new_data_key_or_recipient_stays():
    """The other data key may be known to somebody else."""
    base, renewed, wider = side(BASE), side(BASE, key="k2"), side(BASE, who="you")
    assert select_data_key_side(base, base, renewed) == (renewed, base)
    assert select_data_key_side(base, renewed, base) == (renewed, base)
    assert select_data_key_side(base, base, side(BASE, mac="x"))[0] is base
    assert select_data_key_side(base, renewed, renewed) == (renewed, renewed)
    assert select_data_key_side(base, renewed, wider) is None


def test_changes_of_a_tree():
    """New and different leaves, and those that are gone."""
    before = {("a",): 1, ("b",): 2, ("c",): 3}
    assert compute_tree_changes(before, {("a",): 1, ("b",): 9, ("d",): 4}) == (
        {("b",): 9, ("d",): 4},
        (("c",),),
    )
