"""A plan of two sides that are both in git."""

import pytest
from msgspec.structs import replace

from in_process_run import PROJECT
from keyturn.model.address import SourceLocation
from keyturn.model.change import Action, SecretStatus
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.operations.plan.offline_plan import inputs_from_base, inputs_from_state, plan_offline
from keyturn.operations.plan.plan import PlanOptions
from keyturn.project.project import parse_project
from sample_resources import connection_address, credential_address, make_desired, make_state_entry

DB, PG = credential_address("prod-db"), connection_address("prod-pg")
SECRET = {"password": "word"}


def closed(address, ciphers=("c1",), **more):
    """Return an encrypted manifest whose secrets have these ciphertexts."""
    made = make_desired(address, secrets=SECRET, opened=False, **more)
    return replace(made, ciphertext_digests={("password",): ciphers[0]})


@pytest.fixture
def made(tmp_path):
    """Return a function that plans two sides offline."""
    project = parse_project(PROJECT.encode(), tmp_path)

    def plan(base, desired, reencrypted=frozenset(), diagnostics=()):
        inputs = inputs_from_base(base, desired, reencrypted)
        return plan_offline(project, project.find_workspace(), inputs, PlanOptions(), diagnostics)

    return plan


def statuses(plan):
    """Return the status of each secret of a plan."""
    return [each.status for change in plan.changes for each in change.secrets]


def test_equal_sides_have_no_changes(made):
    """No change and no diagnostic."""
    plan = made([closed(DB)], [closed(DB)])
    assert (plan.changes, plan.diagnostics, plan.offline) == ((), (), True)


def test_a_comment_changes_nothing(made):
    """A different file with the same ciphertext has the same secret."""
    assert made([closed(DB)], [closed(DB, digest="d2")]).changes == ()


def test_a_different_ciphertext_is_a_rotation(made):
    """With the same data key."""
    plan = made([closed(DB)], [closed(DB, ("c2",), digest="d2")])
    assert [change.action for change in plan.changes] == [Action.ROTATE]
    assert statuses(plan) == [SecretStatus.ROTATED]


def test_a_reencrypted_secret_is_unknown(made):
    """The plan says so and is not blocked."""
    after = closed(DB, ("c2",), digest="d2")
    plan = made([closed(DB)], [after], frozenset({after.origin.file}))
    assert statuses(plan) == [SecretStatus.UNKNOWN]
    assert "new data key" in plan.changes[0].secrets[0].reason
    assert plan.blocking_diagnostics == ()


def test_a_removed_secret_is_cleared(made):
    """The new file does not have it."""
    plan = made([closed(DB)], [replace(make_desired(DB), digest="d2")])
    assert statuses(plan) == [SecretStatus.CLEARED]


def test_moved_from_is_a_rename(made):
    """Not a retirement and a creation."""
    plan = made([closed(DB)], [closed(credential_address("main"), moved_from="prod-db")])
    assert [change.action for change in plan.changes] == [Action.RENAME]


def test_a_new_host_for_an_unchanged_secret_is_an_exposure(made):
    """In the credential, and in a connection."""
    plan = made([closed(DB)], [closed(DB, config={"host": "evil"}, digest="d2")])
    assert [each.code for each in plan.blocking_diagnostics] == ["KT451"]
    before, after = (
        make_desired(PG, uses="prod-db"),
        make_desired(PG, {"host": "evil"}, uses="prod-db", digest="d2"),
    )
    plan = made([closed(DB), before], [closed(DB), after])
    assert [each.code for each in plan.blocking_diagnostics] == ["KT451"]


def test_an_error_in_a_manifest_is_raised(made):
    """No plan of incomplete manifests."""
    error = Diagnostic(
        code="KT130", severity=Severity.ERROR, message="m", origin=SourceLocation("f"), hint="h"
    )
    with pytest.raises(DiagnosticError):
        made([], [], diagnostics=(error,))


def test_a_changed_file_is_unknown_against_a_state(tmp_path):
    """Without a key, fingerprints cannot be compared."""
    project = parse_project(PROJECT.encode(), tmp_path)
    known = make_state_entry(closed(DB), "id-db", SECRET)
    for digest, expected in (("d1", []), ("d2", [SecretStatus.UNKNOWN])):
        inputs = inputs_from_state({DB: known}, [closed(DB, digest=digest)])
        assert statuses(plan_offline(project, project.find_workspace(), inputs, PlanOptions())) == expected


def test_a_needed_consent_is_noted(made):
    """The same rule as in a plan that reads the workspace."""
    crm = replace(closed(credential_address("prod-crm")), type="oauth")
    (note,) = made([], [crm]).diagnostics
    assert (note.code, note.severity) == ("KT465", Severity.NOTE)
