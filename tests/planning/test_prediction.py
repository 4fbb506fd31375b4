"""Predictions of what the service will hold, and references in any text."""

import pytest

from keyturn.model.change import MISSING, Action, Change, FieldChange
from keyturn.planning.prediction import CredentialIndex, merge_fields, predict_fields, predict_replaced_fields
from sample_resources import (
    connection_address,
    credential_address,
    make_desired,
    make_inputs,
    make_live_object,
    make_state_entry,
)

A, B = credential_address("prod-db"), connection_address("prod-pg")
ID = "cred_01hzy8kq2m"
HOST, PORT, PROXY, REFERENCE = ("config", "host"), ("config", "port"), ("config", "proxy"), ("credential",)


def make_update(action=Action.UPDATE, **fields):
    """Return a change whose manifest drops the port and the credential; somebody added a proxy."""
    known = make_state_entry(make_desired(B, {"host": "old", "port": 1}, uses="prod-db"), "conn_1")
    live = make_live_object(known, fields={REFERENCE: ID, HOST: "old", PORT: 1, PROXY: "p"}, **fields)
    dropped = (FieldChange(PORT, 1, 1, MISSING), FieldChange(REFERENCE, A, A, MISSING))
    return Change(
        action=action,
        address=B,
        desired=make_desired(B, {"host": "new"}),
        entry=known,
        live=live,
        fields=dropped,
    )


def test_a_merging_service_keeps_what_the_manifest_drops():
    """Only one outcome is possible."""
    (only,) = predict_fields(make_update(), merges=True)
    assert only == {REFERENCE: ID, HOST: "new", PORT: 1, PROXY: "p"}


def test_an_unknown_service_merges_or_replaces():
    """A credential may stay attached even if the settings are replaced."""
    merged, replaced = predict_fields(make_update(), merges=False)
    assert merged == {REFERENCE: ID, HOST: "new", PORT: 1, PROXY: "p"}
    assert replaced == {REFERENCE: ID, HOST: "new", PROXY: "p"}


def test_a_put_of_a_connection_contains_its_unmanaged_fields():
    """A credential sends only what its manifest states."""
    change = make_update()
    assert predict_replaced_fields(change, change.live.fields, change.desired.fields) == {
        HOST: "new",
        PROXY: "p",
    }
    own = Change(action=Action.UPDATE, address=A, desired=make_desired(A, {"host": "new"}), live=change.live)
    assert predict_replaced_fields(own, change.live.fields, own.desired.fields) == {HOST: "new"}


def test_a_new_object_has_the_fields_of_the_manifest():
    """Nothing is live before it."""
    change = make_update(Action.REPLACE)
    assert predict_fields(change, merges=False) == (change.desired.fields,)
    assert predict_fields(Change(action=Action.RETIRE, address=B), merges=False) == ()


def test_a_restored_object_has_its_previous_fields_for_a_moment():
    """It is undeleted before it is written."""
    change = make_update(Action.RESTORE)
    assert predict_fields(change, merges=True)[-1] is change.live.fields


def test_a_managed_field_replaces_the_whole_branch():
    """A scalar above, and keys below it, cannot both exist."""
    assert merge_fields({("config", "tls", "ca"): 1, PROXY: "p"}, {("config", "tls"): "on"}) == {
        ("config", "tls"): "on",
        PROXY: "p",
    }


def make_index():
    """Return the index of one managed and one unmanaged credential, with a short ID."""
    known = make_state_entry(make_desired(A), ID)
    other = make_live_object(make_state_entry(make_desired(credential_address("ui")), "7"))
    renamed = Change(action=Action.RENAME, address=credential_address("prod-new"), entry=known)
    return CredentialIndex.from_plan(make_inputs(known, other), [renamed])


@pytest.mark.parametrize(
    "leaf",
    [
        ID,
        ID.upper(),
        f"https://x.example.com/?credential={ID}&x=1",
        f"x{ID}y",
        [{"deep": [ID]}],
        {ID: "a key"},
        f'{{"credentialId": "{ID}"}}',
    ],
)
def test_an_id_inside_any_text_is_a_reference(leaf):
    """It is found at any depth, as a part of a text, and in either case; a rename is followed."""
    assert make_index().find_credentials(leaf) == {credential_address("prod-new")}


@pytest.mark.parametrize("leaf", [ID[:-1], "5432 and 7", 7, None, True, "", connection_address("x"), ["70"]])
def test_other_values_are_no_references(leaf):
    """A short ID counts only as a whole text."""
    assert make_index().find_credentials(leaf) == frozenset()


def test_a_short_id_counts_as_a_whole_text():
    """The credential is in no manifest."""
    index = make_index()
    assert index.find_references({PROXY: "7", HOST: "h"}) == {credential_address("ui"): {PROXY}}
    assert (index.resolve_leaf("7"), index.resolve_leaf(7)) == (credential_address("ui"), 7)


def test_recorded_references_follow_a_rename():
    """The state has the old name."""
    new = credential_address("prod-new")
    assert make_index().follow_rename({REFERENCE: A, HOST: "h"}) == {REFERENCE: new, HOST: "h"}
