"""All that can be said of one file alone, without a key.

One process does it for all files. Sharing 10,000 of them between two took 5.7 s in place of 3.8 s:
what the other process finds has to be pickled, and that costs more than finding it.
"""

from msgspec import Struct

from keyturn.core.diagnostic import Cause, Diagnostic, Faulty, Severity
from keyturn.load.envelope import judge
from keyturn.load.files import Source
from keyturn.load.manifest import misnamed
from keyturn.load.nodes import Document, read
from keyturn.load.schema import check
from keyturn.load.seal import absent, hollow, weight
from keyturn.policy.settings import Settings


class Examined(Struct, frozen=True):
    """What one file showed: None for a document that cannot be read, ``fits`` where its schema takes it."""

    document: Document | None
    fits: bool
    findings: tuple[Diagnostic, ...]


def examine(source: Source, settings: Settings) -> Examined:
    """Read one file and return all that can be said of it alone, in the order in which it is asked."""
    try:
        document = read(source.data, source.relative)
    except Faulty as error:
        return Examined(None, fits=False, findings=error.findings)
    misfits = (*misnamed(document), *check(document, str(document.tree.get("kind", ""))))
    empties = (*hollow(document), *judge(document, settings))
    lines = {each.origin.line for each in empties if each.cause is Cause.EMPTY_VALUE}
    findings = (
        *(each for each in misfits if each.cause is not Cause.EMPTY_VALUE or each.origin.line not in lines),
        *empties,
        *absent(document, weight(settings)),
    )
    fits = not any(each.severity is Severity.ERROR for each in misfits)
    return Examined(document, fits, findings)
