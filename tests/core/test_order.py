"""The order of changes follows references."""

from keyturn.core.diff import diff
from keyturn.core.order import order
from making import connection, credential, held, shown, sides, wanted

A = credential("prod-db")
B = connection("prod-pg")


def waits(*resources):
    """Return what each change of a diff waits for."""
    inputs = sides(*resources)
    return {change.address: change.after for change in order(diff(inputs), inputs.known)}


def test_a_connection_waits_for_its_credential():
    """What is referred to is created first."""
    assert waits(wanted(A), wanted(B, uses="prod-db")) == {A: (), B: (A,)}


def test_a_credential_that_goes_waits_for_what_lets_go_of_it():
    """Detach before retire."""
    mine, user = wanted(A), wanted(B, uses="prod-db")
    known, user_known = held(mine, "id-prod-db"), held(user, "id-pg")
    assert waits(known, shown(known), user_known, shown(user_known)) == {A: (B,), B: ()}


def test_a_user_that_was_renamed_is_waited_for_under_its_new_name():
    """The ledger names the user as it was; the plan names it as it will be."""
    mine, user = wanted(A), wanted(B, uses="prod-db")
    known, user_known = held(mine, "id-prod-db"), held(user, "id-pg")
    renamed = wanted(connection("prod-other"), moved_from="prod-pg")
    assert waits(known, shown(known), user_known, shown(user_known), renamed)[A] == (
        connection("prod-other"),
    )


def test_what_is_not_in_the_plan_is_not_waited_for():
    """An unchanged credential is there already."""
    mine = wanted(A)
    known = held(mine, "id-prod-db")
    assert waits(mine, known, shown(known), wanted(B, uses="prod-db")) == {B: ()}
