"""Plans of two sides that are both in git."""

import pytest
from msgspec.structs import replace

from keyturn.model.address import SourceLocation
from keyturn.model.change import Action, SecretStatus
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.operations.plan.offline_plan import inputs_from_base, inputs_from_state, plan_offline
from keyturn.operations.plan.plan import PlanOptions
from keyturn.project.project import parse_project
from making import connection, credential, held, wanted
from stagehand import PROJECT

DB, PG = credential("prod-db"), connection("prod-pg")
SECRET = {"password": "word"}


def closed(address, ciphers=("c1",), **more):
    """Return a sealed manifest whose secrets have these ciphertexts."""
    made = wanted(address, secrets=SECRET, opened=False, **more)
    return replace(made, ciphertext_digests={("password",): ciphers[0]})


@pytest.fixture
def made(tmp_path):
    """Return a function that plans two sides."""
    project = parse_project(PROJECT.encode(), tmp_path)

    def plan(base, desired, anew=frozenset(), found=((), ())):
        return plan_offline(
            project, project.find_workspace(), inputs_from_base(base, desired, anew), PlanOptions(), found
        )

    return plan


def states(plan):
    """Return the secrets' states."""
    return [each.status for change in plan.changes for each in change.secrets]


def test_nothing_changed(made):
    """No change, and no finding that only an apply would care about."""
    plan = made([closed(DB)], [closed(DB)])
    assert (plan.changes, plan.diagnostics, plan.offline) == ((), (), True)


def test_a_comment_changes_nothing(made):
    """Another file with the same ciphertext holds the same secret."""
    assert made([closed(DB)], [closed(DB, digest="d2")]).changes == ()


def test_another_ciphertext_is_a_rotation(made):
    """Under the same data key."""
    plan = made([closed(DB)], [closed(DB, ("c2",), digest="d2")])
    assert [change.action for change in plan.changes] == [Action.ROTATE]
    assert states(plan) == [SecretStatus.ROTATED]


def test_a_file_that_was_encrypted_anew_tells_nothing(made):
    """Not whether a value moved, which is said and blocks nothing here."""
    after = closed(DB, ("c2",), digest="d2")
    plan = made([closed(DB)], [after], frozenset({after.origin.file}))
    assert states(plan) == [SecretStatus.UNKNOWN]
    assert "cannot be told" in plan.changes[0].secrets[0].reason
    assert plan.blocking_diagnostics == ()


def test_a_secret_that_is_dropped_is_cleared(made):
    """It is no longer in the file."""
    plan = made([closed(DB)], [replace(wanted(DB), digest="d2")])
    assert states(plan) == [SecretStatus.CLEARED]


def test_a_rename_is_one(made):
    """With moved_from, nothing goes and nothing comes."""
    plan = made([closed(DB)], [closed(credential("main"), moved_from="prod-db")])
    assert [change.action for change in plan.changes] == [Action.RENAME]


def test_a_host_that_moves_under_the_old_secret_is_an_exposure(made):
    """Directly, and through a connection."""
    plan = made([closed(DB)], [closed(DB, config={"host": "evil"}, digest="d2")])
    assert [each.code for each in plan.blocking_diagnostics] == ["KT451"]
    before, after = wanted(PG, uses="prod-db"), wanted(PG, {"host": "evil"}, uses="prod-db", digest="d2")
    plan = made([closed(DB), before], [closed(DB), after])
    assert [each.code for each in plan.blocking_diagnostics] == ["KT451"]


def test_what_is_wrong_with_a_file_is_raised(made):
    """There is no plan of half the manifests."""
    wrong = Diagnostic(
        code="KT130", severity=Severity.ERROR, message="m", origin=SourceLocation("f"), hint="h"
    )
    with pytest.raises(DiagnosticError):
        made([], [], found=((wrong,), ()))


def test_against_a_state(tmp_path):
    """Fingerprints cannot be compared without a key: a file that moved is unknown."""
    project = parse_project(PROJECT.encode(), tmp_path)
    known = held(closed(DB), "id-db", SECRET)
    for digest, expected in (("d1", []), ("d2", [SecretStatus.UNKNOWN])):
        sides = inputs_from_state({DB: known}, [closed(DB, digest=digest)])
        assert (
            states(plan_offline(project, project.find_workspace(), sides, PlanOptions(), ((), ())))
            == expected
        )


def test_a_needed_consent_is_noted(made):
    """By the same rule as a plan that reads the workspace."""
    crm = replace(closed(credential("prod-crm")), type="oauth")
    (note,) = made([], [crm]).diagnostics
    assert (note.code, note.severity) == ("KT465", Severity.NOTE)
