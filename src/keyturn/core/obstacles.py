"""What stands in the way of a plan whatever anybody agrees to: no consent makes it possible."""

from collections.abc import Iterator

from msgspec.structs import replace

from keyturn.core.address import Address, Origin
from keyturn.core.change import Action, Change, SecretState
from keyturn.core.counting import counted
from keyturn.core.diagnostic import Cause, Diagnostic, Severity
from keyturn.core.fields import dotted
from keyturn.core.question import Question, breach
from keyturn.core.schedule import Cycle, Schedule


def _twins(question: Question) -> Iterator[Diagnostic]:
    named = question.inputs.named()
    for change in question.changes:
        twins = named.get(change.address, [])
        others = [live for live in twins if change.known is None or live.id != change.known.id]
        clash = len(twins) > 1 or (change.action in {Action.RESTORE, Action.RENAME} and others)
        if clash and change.action is not Action.FORGET:
            ids = ", ".join(sorted(live.id for live in twins))
            yield breach(
                "KT461",
                change,
                f"{change.address} is the name of more than one object in the workspace: {ids}",
                "rename or delete the ones that are not ours, then plan again",
            )


def _claims(question: Question) -> Iterator[Diagnostic]:
    claimed: dict[Address, Address] = {}
    for address, desired in sorted(question.inputs.desired.items()):
        if not desired.lifecycle.moved_from or address in question.inputs.known:
            continue
        source = Address(address.kind, desired.lifecycle.moved_from)
        rival = source if source in question.inputs.desired else claimed.get(source)
        if rival:
            yield Diagnostic(
                code="KT462",
                severity=Severity.ERROR,
                message=f"{address} claims to be the renamed {source}, and so does {rival}",
                origin=desired.origin,
                hint="leave moved_from in one manifest, and remove the manifest of the old name",
                address=address,
            )
        claimed[source] = address


def _unopened(question: Question) -> Iterator[Diagnostic]:
    for change in question.changes:
        closed = [each for each in change.secrets if each.state is SecretState.UNKNOWN]
        if closed:
            yield breach(
                "KT463",
                change,
                f"{change.address}: {', '.join(dotted(each.path) for each in closed)} could not be compared",
                "provide the decryption key, for example in SOPS_AGE_KEY_FILE",
                cause=Cause.NOT_COMPARED,
            )


def _suspects(question: Question) -> Iterator[Diagnostic]:
    for change in question.changes:
        doubtful = [each for each in change.secrets if each.state is SecretState.SUSPECT]
        if doubtful:
            fields = ", ".join(dotted(each.path) for each in doubtful)
            yield Diagnostic(
                code="KT464",
                severity=Severity.WARNING,
                message=f"{change.address} was written outside keyturn; {fields} may not be what git says",
                origin=change.desired.origin if change.desired else Origin("ledger"),
                hint=f"write it again with `keyturn apply --reassert {change.address.name}`",
                address=change.address,
            )


def _circles(question: Question) -> Iterator[Diagnostic]:
    changes = {change.address: change for change in question.changes}
    try:
        Schedule({address: change.after for address, change in changes.items()})
    except Cycle as cycle:
        yield breach(
            "KT468",
            changes[cycle.path[0]],
            f"these changes wait for each other: {cycle}",
            "make them in two steps: first without one of the references",
        )


def _crowded(question: Question) -> Iterator[Diagnostic]:
    made = [
        change
        for change in question.changes
        if change.action is Action.CREATE and change.address.kind == "connection"
    ]
    gone = sum(
        change.action is Action.RETIRE and change.address.kind == "connection" for change in question.changes
    )
    if question.room is not None and len(made) - gone > question.room:
        finding = breach(
            "KT467",
            made[0],
            f"{counted(len(made), 'connection')} would be created, "
            f"and the organization has room for {question.room}",
            "retire what is unused first, or ask for a higher limit",
        )
        yield replace(finding, severity=Severity.WARNING)


def _kept(question: Question) -> Iterator[Diagnostic]:
    for change in question.changes:
        desired = change.desired
        if desired and desired.keep and _anew(change):
            fields = ", ".join(dotted(path) for path in desired.keep)
            yield breach(
                "KT472",
                change,
                f"{change.address} keeps the live value of {fields}, and a new object has none",
                f"set it in git with `keyturn secret set {change.address.name} {dotted(desired.keep[0])}`",
            )


def _anew(change: Change) -> bool:
    if change.action is Action.ROTATE:
        return change.desired is not None and change.desired.lifecycle.strategy == "replace"
    return change.action in {Action.CREATE, Action.REPLACE}


OBSTACLES = (_twins, _claims, _unopened, _kept, _suspects, _circles, _crowded)
"""The rules, each a question about the whole plan."""
