"""Where a finding about a change stands: on the field that exposes, or on the name of the resource."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from keyturn.core.address import Address
from keyturn.core.change import Change
from keyturn.core.diagnostic import Cause, Diagnostic
from keyturn.core.fields import Path
from keyturn.policy.subject import Subject


def placed(
    findings: Iterable[Diagnostic], changes: Iterable[Change], subjects: Iterable[Subject]
) -> tuple[Diagnostic, ...]:
    """Return the findings of guards with the line and column that a reader should look at."""
    known = {subject.address: subject for subject in subjects}
    exposed = {change.address: _exposing(change) for change in changes}
    return tuple(_placed(each, exposed, known) for each in findings)


def _exposing(change: Change) -> Path:
    paths = [each.path for each in change.exposures if each.through == change.address]
    return paths[0] if paths else ()


def _placed(
    finding: Diagnostic, exposed: Mapping[Address, Path], known: Mapping[Address, Subject]
) -> Diagnostic:
    subject = known.get(finding.address) if finding.address else None
    if subject is None or finding.address is None or subject.file != finding.origin.file:
        return finding
    path = exposed.get(finding.address, ()) if finding.cause is Cause.NEW_DESTINATION else ()
    return replace(finding, origin=subject.origin(path or ("name",)))
