"""The locations of the diagnostics of guards."""

from msgspec.structs import replace

from keyturn.model.address import SourceLocation
from keyturn.model.change import Action, Change, Exposure
from keyturn.model.diagnostic import Cause, Diagnostic, Severity
from keyturn.operations.plan.plan import locate_diagnostics
from keyturn.policy.resource_view import ResourceView
from keyturn.yamldoc.reader import SourceSpan
from sample_resources import credential_address, make_desired

A = credential_address("prod-db")
DESIRED = make_desired(A)
PLACES = {
    ("name",): SourceSpan(2, 7, 7, 2, 1, 4),
    ("config", "host"): SourceSpan(5, 9, 4, 5, 3, 4),
}
SUBJECT = ResourceView(address=A, type="database", file=DESIRED.origin.file, spans=PLACES)
CHANGE = Change(
    action=Action.UPDATE,
    address=A,
    desired=DESIRED,
    exposures=(Exposure(A, A, ("config", "host"), "old", "new"),),
)


def finding(code, file=DESIRED.origin.file, cause=Cause.OTHER):
    """Return a diagnostic at the first line of its file."""
    origin = SourceLocation(file, 1, 1)
    return Diagnostic(code=code, severity=Severity.ERROR, message="m", origin=origin, address=A, cause=cause)


def test_an_exposure_is_located_at_its_field():
    """The line of the changed host."""
    (found,) = locate_diagnostics([finding("KT451", cause=Cause.NEW_DESTINATION)], [CHANGE], [SUBJECT])
    assert (found.origin.line, found.origin.column) == (5, 9)


def test_other_diagnostics_are_located_at_the_name():
    """The line of the resource's name."""
    (found,) = locate_diagnostics([finding("KT459")], [CHANGE], [SUBJECT])
    assert (found.origin.line, found.origin.column) == (2, 7)


def test_a_diagnostic_outside_of_manifests_keeps_its_location():
    """The state has no line in a manifest."""
    state = finding("KT458", "state")
    assert locate_diagnostics([state], [CHANGE], [SUBJECT]) == (state,)
    assert locate_diagnostics([replace(state, address=None)], [CHANGE], [SUBJECT])[0].origin.file == "state"
