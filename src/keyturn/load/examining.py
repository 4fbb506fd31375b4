"""Files read and examined one by one: on one core while they are few, on all of them when they are many."""

import os
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.load.envelope import judge
from keyturn.load.files import Source
from keyturn.load.manifest import misnamed
from keyturn.load.nodes import Document, read
from keyturn.load.schema import check
from keyturn.load.seal import absent, hollow, weight
from keyturn.policy.settings import Settings

MANY: Final = 2000
"""From how many files on other processes help; below, to start them takes as long as they save."""

_BATCH: Final = 250
_EMPTY: Final = "KT139"
_policy: list[Settings] = []  # of a process that examines for another: handed over once, at its start


@dataclass(frozen=True, slots=True)
class Examined:
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
    empties = hollow(document)
    lines = {each.origin.line for each in empties}
    findings = (
        *(each for each in misfits if each.code != _EMPTY or each.origin.line not in lines),
        *empties,
        *judge(document, settings),
        *absent(document, weight(settings)),
    )
    fits = not any(each.severity is Severity.ERROR for each in misfits)
    return Examined(document, fits, findings)


def examined(sources: Sequence[Source], settings: Settings) -> Iterator[tuple[Source, Examined]]:
    """Yield each of ``sources`` with what it showed, in their order."""
    if len(sources) >= MANY and _can_fork():
        results = _shared(sources, settings)
    else:
        results = (examine(source, settings) for source in sources)
    return zip(sources, results, strict=True)


def _shared(sources: Iterable[Source], settings: Settings) -> Iterator[Examined]:
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415  # 20 ms, for the few that are large
    from multiprocessing import get_context  # noqa: PLC0415

    context = get_context("fork")
    with ProcessPoolExecutor(cores(), context, initializer=_policy.append, initargs=(settings,)) as pool:
        yield from pool.map(_examine_here, sources, chunksize=_BATCH)


def _examine_here(source: Source) -> Examined:
    return examine(source, _policy[-1])


def _can_fork() -> bool:
    # A fork takes no threads along, and no lock that one of them holds; macOS starts some of its own.
    return sys.platform == "linux" and cores() > 1 and threading.active_count() == 1


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
