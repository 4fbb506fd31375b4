"""The limits of a whole plan: each breach, the consent to it, and the plan that keeps the limit."""

import pytest
from msgspec.structs import replace

from keyturn.model.change import Action, Change, Exposure, SecretChange, SecretStatus
from keyturn.model.diagnostic import Severity
from keyturn.model.plan import PlanLimit, PlanLimits
from keyturn.model.resource import EMPTY
from keyturn.planning.guards import GuardContext, check_guards
from keyturn.planning.inputs import Approvals
from making import connection, credential, held, shown, sides, wanted

DB, PG = credential("prod-db"), connection("prod-pg")
FLEET = tuple(held(wanted(credential(f"c{number}")), f"id{number}", {"p": "x"}) for number in range(10))


def codes(changes, inputs=None, *, consents=None, users=EMPTY, limits=None):
    """Return the codes of what the guards find."""
    question = GuardContext(
        changes=tuple(changes),
        inputs=inputs or sides(wanted(DB)),
        approvals=consents or Approvals(),
        limits=limits or PlanLimits(),
        users=users,
    )
    return [finding.code for finding in check_guards(question)]


def change(action, address=DB, **more):
    """Return a change."""
    return Change(action=action, address=address, **more)


def secret(state):
    """Return an update in which a secret is in a state."""
    return change(Action.UPDATE, desired=wanted(DB), secrets=(SecretChange(("password",), state),))


EXPOSED = change(
    Action.UPDATE, PG, exposures=(Exposure(DB, PG, ("config", "host"), "a.example.com", "b.example.com"),)
)
RETIRED = [change(Action.RETIRE, each.address, entry=each) for each in FLEET]
ROTATED = [change(Action.ROTATE, each.address, entry=each) for each in FLEET]
RESTORED = change(Action.RESTORE, entry=held(wanted(DB), "id"))
BREACHES = {
    "exposure": (("KT451", [EXPOSED]), {"destinations": frozenset({"prod-db"})}),
    "exposure by connection": (("KT451", [EXPOSED]), {"destinations": frozenset({"prod-pg"})}),
    "adoption": (("KT457", [change(Action.ADOPT)]), {"adopt": frozenset({"prod-db"})}),
    "adoption of all": (("KT457", [change(Action.ADOPT)]), {"adopt": frozenset({"*"})}),
    "reuse": (("KT459", [secret(SecretStatus.REUSED)]), {"reuse": frozenset({"prod-db"})}),
    "resurrection": (("KT469", [RESTORED]), {"restore": frozenset({"prod-db"})}),
}
"""What a guard refuses: its code, the changes, and the consent by name that it takes."""


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_is_an_error_and_consent_names_it(name):
    """Refused; agreed to by its name; not agreed to by another's."""
    (code, changes), consent = BREACHES[name]
    assert codes(changes) == [code]
    assert codes(changes, consents=Approvals(**consent)) == []
    other = {key: frozenset({"somebody-else"}) for key in consent}
    assert codes(changes, consents=Approvals(**other)) == [code]


@pytest.mark.parametrize("name", BREACHES)
def test_consent_to_one_thing_is_none_to_another(name):
    """All other consents together change nothing."""
    (code, changes), consent = BREACHES[name]
    every = {
        word: frozenset({"prod-db", "prod-pg", "*"}) for word in ("destinations", "adopt", "reuse", "restore")
    }
    others = {word: names for word, names in every.items() if word not in consent}
    assert codes(changes, consents=Approvals(**others, retire=99, rotate=99, empty=True)) == [code]


@pytest.mark.parametrize(
    ("count", "limit", "consent", "expected"),
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
def test_retirements(count, limit, consent, expected):
    """More than the count, or more than the share of ten; one alone always passes the share."""
    inputs = sides(wanted(DB), *FLEET)
    limits = PlanLimits(retire=limit)
    assert codes(RETIRED[:count], inputs, limits=limits, consents=Approvals(retire=consent)) == expected


@pytest.mark.parametrize(
    ("count", "limit", "consent", "expected"),
    [
        (5, PlanLimit(5, 0), -1, []),
        (6, PlanLimit(5, 50), -1, ["KT453"]),
        (6, PlanLimit(5, 60), -1, []),
        (6, PlanLimit(5, 50), 5, ["KT453"]),
        (6, PlanLimit(5, 50), 6, []),
    ],
)
def test_rotations(count, limit, consent, expected):
    """More than the count and more than the share: a changed key looks like that."""
    inputs = sides(wanted(DB), *FLEET)
    limits = PlanLimits(rotate=limit)
    assert codes(ROTATED[:count], inputs, limits=limits, consents=Approvals(rotate=consent)) == expected


def test_tombstones_are_no_part_of_the_share():
    """What was retired before does not make room for more."""
    gone = tuple(replace(each, retired_at="2026-01-01T00:00:00Z") for each in FLEET[2:])
    assert codes(RETIRED[:2], sides(wanted(DB), *FLEET[:2], *gone)) == ["KT452"]


def test_a_retire_and_a_create_with_the_same_content_look_like_a_rename():
    """Said, unless kind, type or content differ."""
    old = held(wanted(credential("old")), "id")
    gone = change(Action.RETIRE, old.address, entry=old)
    new = change(Action.CREATE, desired=wanted(DB))
    assert codes([gone, new]) == ["KT455"]
    assert codes([gone, change(Action.CREATE, desired=wanted(DB, {"host": "other.example.com"}))]) == []
    assert codes([gone, change(Action.CREATE, desired=wanted(DB, type="aws"))]) == []
    assert codes([gone, change(Action.CREATE, PG, desired=wanted(PG))]) == []


def test_nothing_wanted():
    """An empty folder is refused, unless it is meant."""
    inputs = sides(FLEET[0])
    assert codes(RETIRED[:1], inputs) == ["KT456"]
    assert codes(RETIRED[:1], inputs, consents=Approvals(empty=True)) == []
    assert codes([], inputs) == []


@pytest.mark.parametrize("users", [("a",), tuple("abcdef")])
def test_what_somebody_uses_is_not_retired(users):
    """Those who use it are named, the first five of them; no consent opens this."""
    known = held(wanted(DB), "id")
    question = GuardContext(
        changes=(change(Action.RETIRE, entry=known, live=shown(known)),),
        inputs=sides(wanted(PG)),
        approvals=Approvals(retire=9, destinations=frozenset({"prod-db"})),
        limits=PlanLimits(),
        users={"id": users},
    )
    (finding,) = check_guards(question)
    assert finding.code == "KT458"
    assert ("and 1 more" in finding.message) is (len(users) > 5)
    assert check_guards(replace(question, users={"other": users})) == ()


def test_a_tombstone_comes_back_unasked():
    """What keyturn retired itself is restored by its manifest; what somebody deleted is not."""
    ours = held(wanted(DB), "id", retired_at="2026-01-01T00:00:00Z")
    assert codes([change(Action.RESTORE, entry=ours)]) == []


def test_twins():
    """Two objects of one name: which is ours cannot be told."""
    known = held(wanted(DB), "one")
    live = shown(known)
    inputs = sides(wanted(DB), known, live, replace(live, id="two"))
    assert codes([change(Action.UPDATE, entry=known, live=live)], inputs) == ["KT461"]
    assert codes([change(Action.FORGET, entry=known)], inputs) == []
    gone = sides(wanted(DB), known, live, replace(live, id="two", status="deleted"))
    assert codes([change(Action.UPDATE, entry=known, live=live)], gone) == []


def test_a_restored_name_that_is_taken():
    """The name went to somebody else in the meantime."""
    known = held(wanted(DB), "one", retired_at="2026-01-01T00:00:00Z")
    other = replace(shown(known), id="two")
    assert codes([change(Action.RESTORE, entry=known)], sides(wanted(DB), known, other)) == ["KT461"]


def test_two_claims_on_one_name():
    """A rename has one target, and its source no manifest of its own."""
    one, two = wanted(credential("a"), moved_from="old"), wanted(credential("b"), moved_from="old")
    assert codes([], sides(one)) == []
    assert codes([], sides(one, two)) == ["KT462"]
    assert codes([], sides(one, wanted(credential("old")))) == ["KT462"]
    assert codes([], sides(one, held(one, "id"), wanted(credential("old")))) == []


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
def test_states_of_secrets(state, expected):
    """What could not be opened stops an apply; what is doubtful is said."""
    question = GuardContext(
        changes=(secret(state),),
        inputs=sides(wanted(DB)),
        approvals=Approvals(),
        limits=PlanLimits(),
        users=EMPTY,
    )
    assert [(each.code, each.severity) for each in check_guards(question)] == expected


def test_findings_say_where_and_what_next():
    """The manifest's place, or the state's; a hint always; worst first."""
    found = check_guards(
        GuardContext(
            changes=(EXPOSED, secret(SecretStatus.SUSPECT), secret(SecretStatus.REUSED)),
            inputs=sides(wanted(DB)),
            approvals=Approvals(),
            limits=PlanLimits(),
            users=EMPTY,
        )
    )
    assert [each.severity for each in found] == sorted(each.severity for each in found)
    assert all(each.hint and each.address for each in found)
    assert {each.origin.file for each in found} == {"state", "manifests/credentials/prod-db.yaml"}
