"""A plan without keys."""

from dataclasses import replace

import pytest

from keyturn.core.address import Origin
from keyturn.core.change import Action, SecretState
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.engine.offline import against, against_ledger, plan_offline
from keyturn.engine.planning import Wish
from keyturn.load.project import read_project
from making import credential, held, wanted

DB = credential("prod-db")
BASE = wanted(DB, secrets={"password": "x"}, opened=False)
SET = replace(BASE, ciphers={("password",): "another"}, digest="d2")


@pytest.fixture
def project(office):
    """Return a project."""
    return read_project(office.repo.root)


def planned(project, sides, findings=()):
    """Return the plan for two sides."""
    return plan_offline(project, project.workspace(""), sides, Wish(), (findings, ()))


@pytest.mark.parametrize(
    ("base", "now", "anew", "expected"),
    [
        ([BASE], [BASE], frozenset(), []),
        ([], [BASE], frozenset(), [(Action.CREATE, SecretState.SET)]),
        ([BASE], [SET], frozenset(), [(Action.ROTATE, SecretState.ROTATED)]),
        ([BASE], [SET], frozenset({BASE.origin.file}), [(Action.ROTATE, SecretState.UNKNOWN)]),
    ],
)
def test_secrets_are_compared_by_ciphertext(project, base, now, anew, expected):
    """An equal one is an equal secret; under the same key another one is another; else nothing is known."""
    plan = planned(project, against(base, now, anew))
    found = [(change.action, secret.state) for change in plan.changes for secret in change.secrets]
    assert [state for _, state in found] == [state for _, state in expected]
    assert plan.offline
    assert "KT463" not in {each.code for each in plan.findings}


def test_against_a_ledger(project):
    """What it holds and git does not want would be retired; tombstones are none."""
    other = credential("prod-other")
    entries = {each: held(wanted(each), each.name) for each in (DB, other)}
    entries[other] = replace(entries[other], retired_at="2026-01-01T00:00:00Z")
    sides = against_ledger(entries, [])
    assert set(sides.live) == {"prod-db"}
    assert [change.address for change in planned(project, sides).changes] == [DB]


def test_wrong_manifests_make_no_plan(project):
    """Errors are raised; warnings are in the plan."""
    finding = Diagnostic(code="KT131", severity=Severity.ERROR, message="m", origin=Origin("f"))
    with pytest.raises(Faulty):
        planned(project, against([BASE], [BASE], frozenset()), (finding,))
    mild = replace(finding, severity=Severity.WARNING)
    assert mild in planned(project, against([BASE], [BASE], frozenset()), (mild,)).findings
