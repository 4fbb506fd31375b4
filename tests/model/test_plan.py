"""The plan: counts, blocking diagnostics and the approval digest."""

import pytest
from msgspec.structs import replace

from keyturn.model.address import SourceLocation
from keyturn.model.change import MISSING, Action, Change, Exposure, FieldChange, SecretChange, SecretStatus
from keyturn.model.diagnostic import Diagnostic, Severity
from keyturn.model.plan import ApprovalInputs, Impact, Plan, to_json_value
from sample_resources import (
    connection_address,
    credential_address,
    make_desired,
    make_live_object,
    make_state_entry,
)

DB, PG = credential_address("prod-db"), connection_address("prod-pg")
DESIRED = make_desired(DB, secrets={"password": "x"}, opened=False)
KNOWN = make_state_entry(DESIRED, "id1", {"password": "y"})
CHANGE = Change(
    action=Action.ROTATE,
    address=DB,
    desired=DESIRED,
    entry=KNOWN,
    live=make_live_object(KNOWN),
    fields=(FieldChange(("config", "host"), "a", "a", "b"),),
    secrets=(SecretChange(("password",), SecretStatus.ROTATED, "another value"),),
    exposures=(Exposure(DB, PG, ("config", "host"), "a", "b"),),
    reason="the secret changed",
)
PLAN = Plan(workspace="prod", organization="org", changes=(CHANGE,))


def make_diagnostic(severity):
    """Return a diagnostic."""
    return Diagnostic(code="KT451", severity=severity, message="m", origin=SourceLocation("f"))


COVERED = {
    "workspace": replace(PLAN, workspace="stage"),
    "organization": replace(PLAN, organization="other"),
    "another change": replace(PLAN, changes=(*PLAN.changes, Change(action=Action.RETIRE, address=PG))),
    "no change": replace(PLAN, changes=()),
    "action": replace(PLAN, changes=(replace(CHANGE, action=Action.UPDATE),)),
    "address": replace(PLAN, changes=(replace(CHANGE, address=credential_address("prod-dc")),)),
    "earlier name": replace(PLAN, changes=(replace(CHANGE, renamed_from="old"),)),
    "object": replace(PLAN, changes=(replace(CHANGE, live=replace(CHANGE.live, id="id2")),)),
    "precondition": replace(PLAN, changes=(replace(CHANGE, live=replace(CHANGE.live, updated_at="later")),)),
    "manifest": replace(PLAN, changes=(replace(CHANGE, desired=replace(DESIRED, digest="d2")),)),
    "ciphertext": replace(
        PLAN, changes=(replace(CHANGE, desired=replace(DESIRED, ciphertext_digests={("password",): "c2"})),)
    ),
    "status of a secret": replace(
        PLAN, changes=(replace(CHANGE, secrets=(SecretChange(("password",), SecretStatus.SET),)),)
    ),
    "field": replace(
        PLAN, changes=(replace(CHANGE, fields=(FieldChange(("config", "host"), "a", "a", "c"),)),)
    ),
    "live field": replace(
        PLAN, changes=(replace(CHANGE, fields=(FieldChange(("config", "host"), "a", "x", "b"),)),)
    ),
    "exposure": replace(PLAN, changes=(replace(CHANGE, exposures=()),)),
    "setting": replace(PLAN, inputs=ApprovalInputs(settings={"put": "partial"})),
    "option": replace(PLAN, inputs=ApprovalInputs(options=("--allow-empty",))),
    "recorded manifest": replace(PLAN, inputs=ApprovalInputs(manifests={"credential/prod-x": "d"})),
    "open intent": replace(PLAN, inputs=ApprovalInputs(open_intents={"i1": "update credential/prod-x"})),
    "id in the state": replace(PLAN, changes=(replace(CHANGE, entry=replace(KNOWN, id="id2")),)),
    "version in the state": replace(PLAN, changes=(replace(CHANGE, entry=replace(KNOWN, updated_at="t")),)),
    "tombstone": replace(PLAN, changes=(replace(CHANGE, entry=replace(KNOWN, retired_at="2026")),)),
    "protection": replace(PLAN, changes=(replace(CHANGE, entry=replace(KNOWN, protect=True)),)),
}
"""Plans that differ from the reviewed one."""

FREE = {
    "commit": replace(PLAN, changes=(replace(CHANGE, entry=replace(KNOWN, commit="abc")),)),
    "reason": replace(PLAN, changes=(replace(CHANGE, reason="in other words"),)),
    "reason of a secret": replace(
        PLAN, changes=(replace(CHANGE, secrets=(replace(CHANGE.secrets[0], reason="another reason"),)),)
    ),
    "impact": replace(PLAN, impact={DB: Impact(connections=3)}),
    "findings": replace(PLAN, diagnostics=(make_diagnostic(Severity.WARNING),)),
    "requests": replace(PLAN, requests=9, resources=8),
    "a note": replace(PLAN, changes=(CHANGE, Change(action=Action.NO_OP, address=PG))),
}
"""Plans with the digest of the reviewed one."""


@pytest.mark.parametrize("what", COVERED)
def test_digest_covers_the_reviewed_content(what):
    """Each of these differences changes the digest."""
    assert COVERED[what].approval_digest() != PLAN.approval_digest()


@pytest.mark.parametrize("what", FREE)
def test_digest_ignores_everything_else(what):
    """A merge, a new commit or a later time keeps the approval valid."""
    assert FREE[what].approval_digest() == PLAN.approval_digest()


def test_all_digests_differ():
    """The plans above have distinct digests."""
    digests = {each.approval_digest() for each in COVERED.values()}
    assert len(digests) == len(COVERED)


def test_digest_format():
    """``kt2-`` and 190 bits in lower-case letters and digits."""
    digest = PLAN.approval_digest()
    assert digest.startswith("kt2-")
    assert len(digest) == 42
    assert set(digest[4:]) <= set("abcdefghijklmnopqrstuvwxyz234567")


def test_digest_payload_has_no_secret(canary):
    """A decrypted manifest has the same digest as an encrypted one."""
    value = canary()
    opened = make_desired(DB, secrets={"password": value})
    plan = replace(PLAN, changes=(replace(CHANGE, desired=opened),))
    canary.record("facts", repr(plan.digest_payload()))
    assert value not in repr(plan.digest_payload())
    assert plan.approval_digest() == PLAN.approval_digest()


def test_empty_and_counts():
    """A plan of notes is empty."""
    note = replace(PLAN, changes=(Change(action=Action.NO_OP, address=DB),))
    assert note.is_empty
    assert replace(PLAN, changes=()).is_empty
    assert not PLAN.is_empty
    assert not replace(PLAN, changes=(Change(action=Action.FORGET, address=DB),)).is_empty
    assert (PLAN.count_by_action()[Action.ROTATE], PLAN.count_by_action()[Action.CREATE]) == (1, 0)


def test_only_errors_block():
    """Warnings and notes do not prevent an apply."""
    found = tuple(map(make_diagnostic, (Severity.ERROR, Severity.WARNING, Severity.NOTE)))
    assert replace(PLAN, diagnostics=found).blocking_diagnostics == found[:1]


@pytest.mark.parametrize(
    ("leaf", "expected"),
    [(MISSING, None), (DB, {"ref": "credential/prod-db"}), ("x", "x"), (1, 1), (None, None)],
)
def test_leaves_as_json(leaf, expected):
    """References become addresses; a missing value becomes null."""
    assert to_json_value(leaf) == expected
