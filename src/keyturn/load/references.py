"""References between manifests: to something that is there, of a type that fits, and never in a circle."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from keyturn.core.address import Address
from keyturn.core.diagnostic import Diagnostic, Severity
from keyturn.core.fields import Path, dotted
from keyturn.load.definitions import definition, takes
from keyturn.load.findings import fault
from keyturn.policy.subject import Subject
from keyturn.policy.words import near

Find = Callable[[Address], Subject | None]


def twins(subjects: Sequence[Subject]) -> Iterator[Diagnostic]:
    """Yield a finding for each manifest whose address another one holds already (KT142)."""
    seen: dict[Address, Subject] = {}
    for subject in subjects:
        first = seen.setdefault(subject.address, subject)
        if first is not subject:
            message = f"{subject.address} is described twice: first in {first.file}"
            hint = "remove one of the two, or give it another name"
            yield _at(subject, ("name",), "KT142", message, hint)
