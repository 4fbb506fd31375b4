"""The plan: counts, what blocks it, and the digest that an approval binds."""

import pytest
from msgspec.structs import replace

from keyturn.model.address import SourceLocation
from keyturn.model.change import MISSING, Action, Change, Exposure, FieldChange, SecretChange, SecretStatus
from keyturn.model.diagnostic import Diagnostic, Severity
from keyturn.model.plan import Impact, Plan, to_json_value
from making import connection, credential, held, shown, wanted

DB, PG = credential("prod-db"), connection("prod-pg")
DESIRED = wanted(DB, secrets={"password": "x"}, opened=False)
KNOWN = held(DESIRED, "id1", {"password": "y"})
CHANGE = Change(
    action=Action.ROTATE,
    address=DB,
    desired=DESIRED,
    entry=KNOWN,
    live=shown(KNOWN),
    fields=(FieldChange(("config", "host"), "a", "a", "b"),),
    secrets=(SecretChange(("password",), SecretStatus.ROTATED, "another value"),),
    exposures=(Exposure(DB, PG, ("config", "host"), "a", "b"),),
    reason="the secret changed",
)
PLAN = Plan(workspace="prod", organization="org", changes=(CHANGE,))


def finding(severity):
    """Return a finding."""
    return Diagnostic(code="KT451", severity=severity, message="m", origin=SourceLocation("f"))


COVERED = {
    "workspace": replace(PLAN, workspace="stage"),
    "organization": replace(PLAN, organization="other"),
    "another change": replace(PLAN, changes=(*PLAN.changes, Change(action=Action.RETIRE, address=PG))),
    "no change": replace(PLAN, changes=()),
    "action": replace(PLAN, changes=(replace(CHANGE, action=Action.UPDATE),)),
    "address": replace(PLAN, changes=(replace(CHANGE, address=credential("prod-dc")),)),
    "former name": replace(PLAN, changes=(replace(CHANGE, renamed_from="old"),)),
    "object": replace(PLAN, changes=(replace(CHANGE, live=replace(CHANGE.live, id="id2")),)),
    "precondition": replace(PLAN, changes=(replace(CHANGE, live=replace(CHANGE.live, updated_at="later")),)),
    "manifest": replace(PLAN, changes=(replace(CHANGE, desired=replace(DESIRED, digest="d2")),)),
    "ciphertext": replace(
        PLAN, changes=(replace(CHANGE, desired=replace(DESIRED, ciphertext_digests={("password",): "c2"})),)
    ),
    "state of a secret": replace(
        PLAN, changes=(replace(CHANGE, secrets=(SecretChange(("password",), SecretStatus.SET),)),)
    ),
    "field": replace(
        PLAN, changes=(replace(CHANGE, fields=(FieldChange(("config", "host"), "a", "a", "c"),)),)
    ),
    "live field": replace(
        PLAN, changes=(replace(CHANGE, fields=(FieldChange(("config", "host"), "a", "x", "b"),)),)
    ),
    "exposure": replace(PLAN, changes=(replace(CHANGE, exposures=()),)),
}
"""Plans that are not the one that was reviewed."""

FREE = {
    "commit": replace(PLAN, changes=(replace(CHANGE, entry=replace(KNOWN, commit="abc")),)),
    "reason": replace(PLAN, changes=(replace(CHANGE, reason="in other words"),)),
    "words of a secret": replace(
        PLAN, changes=(replace(CHANGE, secrets=(replace(CHANGE.secrets[0], reason="otherwise"),)),)
    ),
    "impact": replace(PLAN, impact={DB: Impact(connections=3)}),
    "findings": replace(PLAN, diagnostics=(finding(Severity.WARNING),)),
    "requests": replace(PLAN, requests=9, resources=8),
    "a note": replace(PLAN, changes=(CHANGE, Change(action=Action.NO_OP, address=PG))),
}
"""The same plan, told otherwise or at another time."""


@pytest.mark.parametrize("what", COVERED)
def test_the_digest_covers_what_was_reviewed(what):
    """Another one of these, another digest."""
    assert COVERED[what].approval_digest() != PLAN.approval_digest()


@pytest.mark.parametrize("what", FREE)
def test_the_digest_covers_nothing_else(what):
    """A merge, a new commit, another hour: the approval holds."""
    assert FREE[what].approval_digest() == PLAN.approval_digest()


def test_all_digests_differ():
    """No two of the plans above share one."""
    digests = {each.approval_digest() for each in COVERED.values()}
    assert len(digests) == len(COVERED)


def test_the_form_of_a_digest():
    """``kt1-`` and 130 bits in letters that survive a chat."""
    digest = PLAN.approval_digest()
    assert digest.startswith("kt1-")
    assert len(digest) == 30
    assert set(digest[4:]) <= set("abcdefghijklmnopqrstuvwxyz234567")


def test_facts_hold_no_secret(canary):
    """A manifest that was opened has the digest of one that was not, and its value nowhere."""
    value = canary()
    opened = wanted(DB, secrets={"password": value})
    plan = replace(PLAN, changes=(replace(CHANGE, desired=opened),))
    canary.also("facts", repr(plan.digest_payload()))
    assert value not in repr(plan.digest_payload())
    assert plan.approval_digest() == PLAN.approval_digest()


def test_empty_and_counts():
    """Notes are nothing to do; whatever else is."""
    note = replace(PLAN, changes=(Change(action=Action.NO_OP, address=DB),))
    assert note.is_empty
    assert replace(PLAN, changes=()).is_empty
    assert not PLAN.is_empty
    assert not replace(PLAN, changes=(Change(action=Action.FORGET, address=DB),)).is_empty
    assert (PLAN.count_by_action()[Action.ROTATE], PLAN.count_by_action()[Action.CREATE]) == (1, 0)


def test_only_errors_block():
    """Warnings and notes are for reading."""
    found = tuple(map(finding, (Severity.ERROR, Severity.WARNING, Severity.NOTE)))
    assert replace(PLAN, diagnostics=found).blocking_diagnostics == found[:1]


@pytest.mark.parametrize(
    ("leaf", "expected"),
    [(MISSING, None), (DB, {"ref": "credential/prod-db"}), ("x", "x"), (1, 1), (None, None)],
)
def test_leaves_as_json(leaf, expected):
    """References by address; what is absent is null."""
    assert to_json_value(leaf) == expected
