"""Where a finding about a change stands: on the field that exposes, or on the name of the resource."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from keyturn.core.address import Address
from keyturn.core.change import Change
from keyturn.core.diagnostic import Cause, Diagnostic
from keyturn.core.fields import FieldPath
from keyturn.policy.subject import ResourceView


def locate_diagnostics(
    diagnostics: Iterable[Diagnostic], changes: Iterable[Change], subjects: Iterable[ResourceView]
) -> tuple[Diagnostic, ...]:
    """Return the findings of guards with the line and column that a reader should look at."""
    known = {subject.address: subject for subject in subjects}
    exposed = {change.address: _find_exposing_path(change) for change in changes}
    return tuple(_locate_diagnostic(each, exposed, known) for each in diagnostics)


def _find_exposing_path(change: Change) -> FieldPath:
    paths = [each.path for each in change.exposures if each.through == change.address]
    return paths[0] if paths else ()


def _locate_diagnostic(
    diagnostic: Diagnostic, exposed: Mapping[Address, FieldPath], known: Mapping[Address, ResourceView]
) -> Diagnostic:
    subject = known.get(diagnostic.address) if diagnostic.address else None
    if subject is None or diagnostic.address is None or subject.file != diagnostic.origin.file:
        return diagnostic
    path = exposed.get(diagnostic.address, ()) if diagnostic.cause is Cause.NEW_DESTINATION else ()
    return replace(diagnostic, origin=subject.find_location(path or ("name",)))
