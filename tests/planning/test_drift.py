"""Drift in a plan."""

import pytest
from msgspec.structs import replace

from keyturn.model.address import SourceLocation
from keyturn.model.change import MISSING, Action, Change, FieldChange, SecretChange, SecretStatus
from keyturn.model.diagnostic import Diagnostic, Severity
from keyturn.model.plan import Impact, Plan
from keyturn.planning.drift import select_drift
from sample_resources import credential_address, make_desired, make_live_object, make_state_entry

DB, OTHER = credential_address("prod-db"), credential_address("prod-other")
KNOWN = make_state_entry(make_desired(DB), "id")
EDITED = FieldChange(("config", "host"), "a", "x", "a")
ANEW = FieldChange(("config", "port"), 1, 1, 2)
SUSPECT = SecretChange(("password",), SecretStatus.SUSPECT)
BASE = Change(action=Action.UPDATE, address=DB, entry=KNOWN, live=make_live_object(KNOWN))


def plan(*changes):
    """Return a plan."""
    return Plan(workspace="prod", organization="org", changes=changes, requests=9)


@pytest.mark.parametrize(
    "change",
    [
        replace(BASE, fields=(EDITED,)),
        replace(BASE, secrets=(SUSPECT,)),
        replace(BASE, live=None),
        replace(BASE, action=Action.RESTORE, live=replace(BASE.live, status="deleted")),
        replace(BASE, live=replace(BASE.live, address=OTHER)),
    ],
)
def test_outside_changes_are_selected(change):
    """Edited, written, deleted or renamed outside keyturn."""
    assert len(select_drift(plan(change)).changes) == 1


@pytest.mark.parametrize(
    "change",
    [
        BASE,
        replace(BASE, fields=(ANEW,)),
        replace(BASE, fields=(FieldChange(("config", "x"), MISSING, "live", "git"),)),
        replace(BASE, action=Action.CREATE, entry=None, live=None),
        replace(BASE, entry=replace(KNOWN, retired_at="2026-01-01T00:00:00Z"), live=None),
        replace(BASE, action=Action.RETIRE),
    ],
)
def test_manifest_changes_are_not_selected(change):
    """An edited, new or removed manifest."""
    assert select_drift(plan(change)).changes == ()


def test_the_rest_of_the_plan_is_reduced():
    """Only the diagnostics and impact of the drift remain, and no request."""
    fields = (EDITED, ANEW)
    quiet = replace(BASE, address=OTHER, fields=(ANEW,))
    line = Diagnostic(
        code="KT464", severity=Severity.WARNING, message="m", origin=SourceLocation("f"), address=DB
    )
    whole = replace(
        plan(replace(BASE, fields=fields), quiet),
        diagnostics=(line, replace(line, address=OTHER), replace(line, address=None)),
        access_changes=(line,),
        impact={DB: Impact(), OTHER: Impact()},
    )
    found = select_drift(whole)
    assert [change.fields for change in found.changes] == [(EDITED,)]
    assert found.diagnostics == (line,)
    assert set(found.impact) == {DB}
    assert (found.access_changes, found.requests) == ((), 0)
