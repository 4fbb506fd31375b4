"""The state document: encoding, decoding and damage."""

import hashlib
import json
import random
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from keyturn.model.address import Address
from keyturn.model.resource import Generation, GenerationRole
from keyturn.state.document import STATE_VERSION, State, decode_state, encode_state
from keyturn.state.events import Intent, JournalPosition

HERE = "file:.keyturn/prod/state.json"


@pytest.fixture
def state(known):
    """Return a small state with a value in every field."""
    intent = Intent(
        id="i1",
        operation="create",
        address=Address("credential", "y"),
        action="create",
        type="database",
        fields={("config", "host"): "db.acme.com"},
        generation=Generation(role=GenerationRole.SUCCESSOR, resource="x", replaces="cred_1"),
    )
    return State(
        workspace="prod",
        organization="org_1",
        serial=7,
        position=JournalPosition(12, "a" * 64, 3456),
        open_intents=(intent,),
    ).with_entry(known("credential/prod-x"), known("connection/prod-y", retired_at="2026-03-09T12:00:00Z"))


def read(data, workspace="prod", organization="org_1"):
    """Return the state in ``data``."""
    return decode_state(data, HERE, workspace, organization)


def test_a_state_survives_encoding(state):
    """Equal states have equal documents."""
    assert read(encode_state(state)) == state
    assert encode_state(read(encode_state(state))) == encode_state(state)


def test_entries_are_sorted(state):
    """The order of insertion does not change the document."""
    backwards = state.with_entries(dict(reversed(state.entries.items())))
    assert encode_state(backwards) == encode_state(state)


def test_the_document_is_plain_json_with_a_line_for_each_entry(state):
    """Other tools can read it, and a diff shows the changed entries."""
    tree = json.loads(encode_state(state))
    assert tree["version"] == STATE_VERSION
    assert [entry["address"] for entry in tree["entries"]] == ["connection/prod-y", "credential/prod-x"]
    assert sum(line.startswith(b'{"address"') for line in encode_state(state).splitlines()) == 2


def test_the_published_schema_describes_the_document(state, known):
    """The schema accepts every document, and requires every key."""
    schema = json.loads((Path(__file__).parents[2] / "schemas" / "state.schema.json").read_text())
    whole = Draft202012Validator(schema, format_checker=None)
    reference = known(
        "connection/z",
        applied={("credential",): Address("credential", "x")},
        protect=True,
        destinations=("k1-0a",),
        untested=True,
        generation=Generation(role=GenerationRole.PREDECESSOR, resource="x", retires_on="2026-03-09"),
    )
    for each in (state, state.with_entry(reference), State(workspace="w", organization="o")):
        whole.validate(json.loads(encode_state(each)))
    tree = json.loads(encode_state(state.with_entry(reference)))
    words = {name for part in (*tree["entries"], *tree["open"]) for name in part}
    assert words | {"retired_at", "object", "expect", "precondition", "server_date"} == {
        *schema["$defs"]["entry"]["properties"],
        *schema["$defs"]["intent"]["properties"],
    }
    for name in tree:
        assert not whole.is_valid({key: value for key, value in tree.items() if key != name})
    assert not whole.is_valid(tree | {"more": 1})


@pytest.mark.parametrize("gist", ['{"file":"x.yaml","passed":"b"}', "7"])
def test_a_manifest_copy_of_an_old_document_is_ignored(state, gist):
    """Early documents have one under ``gist``; it is not written again."""
    data = forged(state, b'{"address"', f'{{"gist":{gist},"address"'.encode())
    assert data.count(b'"gist"') == 2
    assert read(data) == state
    assert encode_state(read(data)) == encode_state(state)


def test_an_empty_state_survives_encoding():
    """A workspace without resources has a state."""
    empty = State(workspace="prod", organization="org_1")
    assert read(encode_state(empty)) == empty


def test_any_changed_byte_is_detected(state, assert_refused):
    """At every position of the document."""
    data = encode_state(state)
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 1
        with assert_refused("KT600"):
            read(bytes(damaged))


def test_any_missing_or_added_part_is_detected(state, assert_refused):
    """Truncated, doubled or extended documents are refused."""
    data = encode_state(state)
    for place in range(0, len(data), 7):
        with assert_refused("KT600"):
            read(data[:place])
    for strange in (data + b"\n", data + data, b" " + data, b"{}", b"null", b"\xff" * 400):
        with assert_refused("KT600"):
            read(strange)


def forged(state, old, new):
    """Return the document with ``old`` replaced and a right digest."""
    body = encode_state(state).split(b"\n", 1)[1].replace(old, new)
    return b'{"digest":"' + hashlib.sha256(body).hexdigest().encode() + b'",\n' + body


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"serial":7', b'"serial":"many"'),
        (b'"address":"credential/prod-x"', b'"address":"prod-x"'),
        (b'"id":"credential-prod-x"', b'"id":8'),
        (b'"open":[{', b'"open":[7,{'),
        (b'"journal":{', b'"journal":7,"old":{'),
        (b'"workspace":"prod"', b'"workspace":["prod"]'),
        (b'"version":1,', b""),
        (b'"version":1,', b'"version":"x",'),
        (b'{"address":"credential', b'{"address":"\xffcredential'),
        (b'{"address":"credential', b'{"a":' + b"[" * 100_000),
        (b'"mark":3456', b'"mark":-5'),
        (b'"op":"create","address":"credential/y"', b'"op":"create","address":"pipeline/y"'),
        (b'"replaces":"cred_1"', b'"replaces":7'),
        (b'"role":"successor"', b'"role":"heir"'),
    ],
)
def test_a_document_of_another_form_is_refused(state, assert_refused, old, new):
    """Even if its digest is right."""
    data = forged(state, old, new)
    assert data != encode_state(state)
    with assert_refused("KT600"):
        read(data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"id":"credential-prod-x"', b'"id":"%s"' % identity)
        for identity in (
            b"",
            b".",
            b"..",
            b"x/permanent",
            b"../connections/x",
            b"x\\\\y",
            b"x?force=true",
            b"x#y",
            b"x%2fy",
            b"x y",
            b"x\\u0000",
            b"x\\n",
            b"x" * 600,
        )
    ]
    + [
        (b'"credential/prod-x"', b'"%s"' % address)
        for address in (
            b"pipeline/prod-x",
            b"credential/../../x",
            b"credential/.",
            b"credential/a\\\\b",
            b"credential/\\u001b[31mx",
        )
    ]
    + [(b'"type":"database"', b'"generation":{"role":"predecessor","resource":"x","retires_on":"soon"}')],
)
def test_an_impossible_entry_is_refused_by_its_name(state, assert_refused, old, new):
    """An ID becomes a part of a request, so no request is made of such a state."""
    with assert_refused("KT600") as found:
        read(forged(state, old, new))
    assert re.search(r"entry '(credential|connection|pipeline)/", found[0].message)


def test_a_newer_document_is_refused_with_both_versions(state, assert_refused):
    """An older keyturn does not overwrite it."""
    with assert_refused("KT602") as found:
        read(forged(state, b'"version":1', b'"version":2'))
    assert "version 2" in found[0].message


@pytest.mark.parametrize("mine", [("staging", "org_1"), ("prod", "org_2")])
def test_a_foreign_document_is_refused(state, assert_refused, mine):
    """The state of another workspace or organization is never used."""
    with assert_refused("KT601") as found:
        read(encode_state(state), *mine)
    assert "prod of org_1" in found[0].message
    assert " of ".join(mine) in found[0].message


def test_adding_and_removing_entries_returns_copies(state, known):
    """A state itself does not change."""
    address = Address("credential", "prod-z")
    more = state.with_entry(known("credential/prod-z", id="c9"))
    assert more.find_entry(address).id == "c9"
    assert state.find_entry(address) is None
    assert more.without_entries(address) == state
    with pytest.raises(TypeError):
        more.entries[address] = None


@pytest.mark.waits
def test_ten_thousand_entries_survive_encoding(known):
    """A large workspace."""
    fields = {("config", name): f"value of {name}" for name in ("host", "engine", "user", "role", "db")}
    many = [known(f"credential/prod-{i}", applied=fields, observed=dict(fields)) for i in range(10_000)]
    state = State(workspace="prod", organization="org_1").with_entry(*many)
    assert read(encode_state(state)) == state


def test_a_new_entry_changes_two_lines(state, known):
    """Those of the digest and of the entry."""
    rng = random.Random(7)
    names = [f"credential/n{rng.randrange(10**6)}" for _ in range(50)]
    before = encode_state(replace(state, open_intents=()).with_entry(*map(known, names))).splitlines()
    after = encode_state(
        replace(state, open_intents=()).with_entry(*map(known, names), known("credential/n5"))
    ).splitlines()
    assert len(set(after) - set(before)) == 2  # the digest and the entry
