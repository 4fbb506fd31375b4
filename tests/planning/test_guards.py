"""Guards: each violation, its approval, and the plan within the limit."""

import pytest
from msgspec.structs import replace

from keyturn.model.change import Action, Change, Exposure, SecretChange, SecretStatus
from keyturn.model.diagnostic import Severity
from keyturn.model.plan import PlanLimit, PlanLimits
from keyturn.model.resource import EMPTY
from keyturn.planning.guards import GuardContext, check_guards
from keyturn.planning.inputs import Approvals
from sample_resources import (
    connection_address,
    credential_address,
    make_desired,
    make_inputs,
    make_live_object,
    make_state_entry,
)

DB, PG = credential_address("prod-db"), connection_address("prod-pg")
RESOURCES = tuple(
    make_state_entry(make_desired(credential_address(f"c{number}")), f"id{number}", {"p": "x"})
    for number in range(10)
)


def codes(changes, inputs=None, *, approvals=None, users=EMPTY, limits=None):
    """Return the codes that the guards report."""
    context = GuardContext(
        changes=tuple(changes),
        inputs=inputs or make_inputs(make_desired(DB)),
        approvals=approvals or Approvals(),
        limits=limits or PlanLimits(),
        users=users,
    )
    return [finding.code for finding in check_guards(context)]


def change(action, address=DB, **more):
    """Return a change."""
    return Change(action=action, address=address, **more)


def secret(state):
    """Return an update with a secret of this status."""
    return change(Action.UPDATE, desired=make_desired(DB), secrets=(SecretChange(("password",), state),))


EXPOSED = change(
    Action.UPDATE, PG, exposures=(Exposure(DB, PG, ("config", "host"), "a.example.com", "b.example.com"),)
)
RETIRED = [change(Action.RETIRE, each.address, entry=each) for each in RESOURCES]
ROTATED = [change(Action.ROTATE, each.address, entry=each) for each in RESOURCES]
RESTORED = change(Action.RESTORE, entry=make_state_entry(make_desired(DB), "id"))
VIOLATIONS = {
    "exposure": (("KT451", [EXPOSED]), {"destinations": frozenset({"prod-db"})}),
    "exposure by connection": (("KT451", [EXPOSED]), {"destinations": frozenset({"prod-pg"})}),
    "adoption": (("KT457", [change(Action.ADOPT)]), {"adopt": frozenset({"prod-db"})}),
    "adoption of all": (("KT457", [change(Action.ADOPT)]), {"adopt": frozenset({"*"})}),
    "reuse": (("KT459", [secret(SecretStatus.REUSED)]), {"reuse": frozenset({"prod-db"})}),
    "restore": (("KT469", [RESTORED]), {"restore": frozenset({"prod-db"})}),
}
"""Violations: their code, the changes, and the approval by name."""


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_violation_is_approved_by_name(name):
    """The approval of another name has no effect."""
    (code, changes), approval = VIOLATIONS[name]
    assert codes(changes) == [code]
    assert codes(changes, approvals=Approvals(**approval)) == []
    other = {key: frozenset({"other"}) for key in approval}
    assert codes(changes, approvals=Approvals(**other)) == [code]


@pytest.mark.parametrize("name", VIOLATIONS)
def test_other_approvals_have_no_effect(name):
    """All other approvals together change nothing."""
    (code, changes), approval = VIOLATIONS[name]
    every = {
        word: frozenset({"prod-db", "prod-pg", "*"}) for word in ("destinations", "adopt", "reuse", "restore")
    }
    others = {word: names for word, names in every.items() if word not in approval}
    assert codes(changes, approvals=Approvals(**others, retire=99, rotate=99, empty=True)) == [code]


@pytest.mark.parametrize(
    ("count", "limit", "approval", "expected"),
    [
        (1, PlanLimit(5, 0), -1, []),
        (2, PlanLimit(5, 20), -1, []),
        (3, PlanLimit(5, 20), -1, ["KT452"]),
        (3, PlanLimit(5, 20), 2, ["KT452"]),
        (3, PlanLimit(5, 20), 3, []),
        (6, PlanLimit(5, 100), -1, ["KT452"]),
        (6, PlanLimit(5, 100), 6, []),
        (1, PlanLimit(0, 100), -1, ["KT452"]),
        (0, PlanLimit(0, 0), -1, []),
    ],
)
def test_retirements(count, limit, approval, expected):
    """More than the count or the percentage; the percentage does not apply to a single one."""
    inputs = make_inputs(make_desired(DB), *RESOURCES)
    limits = PlanLimits(retire=limit)
    assert codes(RETIRED[:count], inputs, limits=limits, approvals=Approvals(retire=approval)) == expected


@pytest.mark.parametrize(
    ("count", "limit", "approval", "expected"),
    [
        (5, PlanLimit(5, 0), -1, []),
        (6, PlanLimit(5, 50), -1, ["KT453"]),
        (6, PlanLimit(5, 60), -1, []),
        (6, PlanLimit(5, 50), 5, ["KT453"]),
        (6, PlanLimit(5, 50), 6, []),
    ],
)
def test_rotations(count, limit, approval, expected):
    """More than the count and the percentage, as after a changed fingerprint key."""
    inputs = make_inputs(make_desired(DB), *RESOURCES)
    limits = PlanLimits(rotate=limit)
    assert codes(ROTATED[:count], inputs, limits=limits, approvals=Approvals(rotate=approval)) == expected


def test_tombstones_do_not_count():
    """Retired resources do not raise the limit."""
    gone = tuple(replace(each, retired_at="2026-01-01T00:00:00Z") for each in RESOURCES[2:])
    assert codes(RETIRED[:2], make_inputs(make_desired(DB), *RESOURCES[:2], *gone)) == ["KT452"]


def test_a_retire_and_a_create_with_the_same_content_look_like_a_rename():
    """Unless kind, type or content differ."""
    old = make_state_entry(make_desired(credential_address("old")), "id")
    gone = change(Action.RETIRE, old.address, entry=old)
    new = change(Action.CREATE, desired=make_desired(DB))
    assert codes([gone, new]) == ["KT455"]
    assert codes([gone, change(Action.CREATE, desired=make_desired(DB, {"host": "other.example.com"}))]) == []
    assert codes([gone, change(Action.CREATE, desired=make_desired(DB, type="aws"))]) == []
    assert codes([gone, change(Action.CREATE, PG, desired=make_desired(PG))]) == []


def test_no_manifests():
    """An empty folder needs an approval."""
    inputs = make_inputs(RESOURCES[0])
    assert codes(RETIRED[:1], inputs) == ["KT456"]
    assert codes(RETIRED[:1], inputs, approvals=Approvals(empty=True)) == []
    assert codes([], inputs) == []


@pytest.mark.parametrize("users", [("a",), tuple("abcdef")])
def test_a_used_object_is_not_retired(users):
    """The first five users are listed; no approval disables this guard."""
    known = make_state_entry(make_desired(DB), "id")
    context = GuardContext(
        changes=(change(Action.RETIRE, entry=known, live=make_live_object(known)),),
        inputs=make_inputs(make_desired(PG)),
        approvals=Approvals(retire=9, destinations=frozenset({"prod-db"})),
        limits=PlanLimits(),
        users={"id": users},
    )
    (finding,) = check_guards(context)
    assert finding.code == "KT458"
    assert ("and 1 more" in finding.message) is (len(users) > 5)
    assert check_guards(replace(context, users={"other": users})) == ()


def test_a_retired_object_is_restored_without_an_approval():
    """Only objects that were deleted outside keyturn need one."""
    ours = make_state_entry(make_desired(DB), "id", retired_at="2026-01-01T00:00:00Z")
    assert codes([change(Action.RESTORE, entry=ours)]) == []


def test_several_objects_with_one_name():
    """The managed object cannot be determined."""
    known = make_state_entry(make_desired(DB), "one")
    live = make_live_object(known)
    inputs = make_inputs(make_desired(DB), known, live, replace(live, id="two"))
    assert codes([change(Action.UPDATE, entry=known, live=live)], inputs) == ["KT461"]
    assert codes([change(Action.FORGET, entry=known)], inputs) == []
    gone = make_inputs(make_desired(DB), known, live, replace(live, id="two", status="deleted"))
    assert codes([change(Action.UPDATE, entry=known, live=live)], gone) == []


def test_a_restored_name_that_is_taken():
    """Another object got the name in the meantime."""
    known = make_state_entry(make_desired(DB), "one", retired_at="2026-01-01T00:00:00Z")
    other = replace(make_live_object(known), id="two")
    assert codes([change(Action.RESTORE, entry=known)], make_inputs(make_desired(DB), known, other)) == [
        "KT461"
    ]


def test_two_claims_on_one_name():
    """A rename has one target, and its source has no manifest."""
    one, two = (
        make_desired(credential_address("a"), moved_from="old"),
        make_desired(credential_address("b"), moved_from="old"),
    )
    assert codes([], make_inputs(one)) == []
    assert codes([], make_inputs(one, two)) == ["KT462"]
    assert codes([], make_inputs(one, make_desired(credential_address("old")))) == ["KT462"]
    assert (
        codes([], make_inputs(one, make_state_entry(one, "id"), make_desired(credential_address("old"))))
        == []
    )


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (SecretStatus.UNKNOWN, [("KT463", Severity.ERROR)]),
        (SecretStatus.SUSPECT, [("KT464", Severity.WARNING)]),
        (SecretStatus.SET, []),
        (SecretStatus.ROTATED, []),
        (SecretStatus.UNCHANGED, []),
        (SecretStatus.KEPT, []),
        (SecretStatus.CLEARED, []),
    ],
)
def test_statuses_of_secrets(state, expected):
    """An unknown secret prevents an apply; a suspect one is a warning."""
    context = GuardContext(
        changes=(secret(state),),
        inputs=make_inputs(make_desired(DB)),
        approvals=Approvals(),
        limits=PlanLimits(),
        users=EMPTY,
    )
    assert [(each.code, each.severity) for each in check_guards(context)] == expected


def test_violations_have_location_and_hint():
    """At the manifest or at the state, most severe first."""
    found = check_guards(
        GuardContext(
            changes=(EXPOSED, secret(SecretStatus.SUSPECT), secret(SecretStatus.REUSED)),
            inputs=make_inputs(make_desired(DB)),
            approvals=Approvals(),
            limits=PlanLimits(),
            users=EMPTY,
        )
    )
    assert [each.severity for each in found] == sorted(each.severity for each in found)
    assert all(each.hint and each.address for each in found)
    assert {each.origin.file for each in found} == {"state", "manifests/credentials/prod-db.yaml"}
