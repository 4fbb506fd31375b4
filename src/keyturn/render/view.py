r"""What is shown of a plan, decided once: risk first, then counts, then details.

The last line of every drawing is meant to be parsed::

    Plan: 2 to create, 1 to update, 3 to rotate, 0 to rename, 1 to restore, 1 to retire. 4 need attention.

The six counts are always there, in this order. ``N to replace``, ``N to adopt`` and ``N to forget``
follow, in this order, where they are not 0. Where nothing would be done it is ``No changes. The
workspace matches the manifests.``, or ``What can be compared matches the manifests.`` where a secret
is in doubt, or ``The workspace was not read.`` for an offline plan; ``N need attention.`` follows only
where N is not 0. One *needs* attention::

    ^(Plan: \d+ to \w+(, \d+ to \w+){5,8}|No changes\. [^.]+)\.( (\d+) needs? attention\.)?$
"""

from collections.abc import Iterator
from typing import Final

from keyturn.core.address import Address
from keyturn.core.change import Action, Change
from keyturn.core.diagnostic import Diagnostic, Severity
from keyturn.core.plan import Plan
from keyturn.render.parts import Entry, Link, Part, Section, View
from keyturn.render.sections import entries

TITLES: Final = {
    Part.EXPOSURE: "EXPOSES SECRET TO NEW DESTINATION",
    Part.ACCESS: "Access: who can decrypt, and what guards the project",
    Part.RETIRE: "Retire",
    Part.REPLACE: "Replace",
    Part.ROTATE: "Rotate",
    Part.RESTORE: "Restore",
    Part.RENAME: "Rename",
    Part.CREATE: "Create",
    Part.UPDATE: "Update",
    Part.ADOPT: "Adopt",
    Part.FORGET: "Forget",
    Part.DOUBT: "In doubt",
    Part.MANUAL: "By hand",
    Part.FINDING: "Findings",
}
"""What each class is called."""

_ALWAYS: Final = (
    Action.CREATE,
    Action.UPDATE,
    Action.ROTATE,
    Action.RENAME,
    Action.RESTORE,
    Action.RETIRE,
)
_SOMETIMES: Final = (Action.REPLACE, Action.ADOPT, Action.FORGET)
_WORDS: Final = {Action.NOTE: "in doubt"}
_REPEATED: Final = frozenset({Part.EXPOSURE, Part.ACCESS, Part.RETIRE, Part.REPLACE})


def view(plan: Plan) -> View:
    """Return what is shown of a plan; the same plan gives the same view."""
    sections = _sections(plan)
    return View(
        workspace=plan.workspace,
        organization=plan.organization,
        sections=sections,
        repeated=tuple(
            entry for section in sections if section.part in _REPEATED for entry in section.entries
        ),
        counts=counts(plan),
        attention=attention(plan),
        refusals=len(plan.blocked),
        summary=summary(plan),
        approve="" if plan.empty or plan.blocked or plan.offline or plan.partial else _approval(plan),
        requests=plan.requests,
        pace=plan.pace,
        resources=plan.resources,
        offline=plan.offline,
        links=tuple(dict.fromkeys(_links(plan))),
        marked={
            str(change.address): "exposed"
            if change.exposures
            else _WORDS.get(change.action, change.action.value)
            for change in plan.changes
        },
    )


def counts(plan: Plan) -> dict[str, int]:
    """Return how many changes there are of each action, by its word, in the summary's order."""
    found = plan.counts()
    return {action.value: found.get(action, 0) for action in (*_ALWAYS, *_SOMETIMES)}


def attention(plan: Plan) -> int:
    """Return how many things ask for a person.

    A resource counts once, however many exposures, manual steps and findings (errors and warnings)
    it has; so does each line on access and each finding that names no resource.
    """
    exposed = {change.address for change in plan.changes if change.exposures or change.is_consent_needed}
    grave = [finding for finding in plan.findings if finding.severity is not Severity.NOTE]
    return len(exposed | set(map(_subject, (*plan.access, *grave))))


def summary(plan: Plan) -> str:
    """Return the parseable last line; its grammar stands at the head of this module."""
    number = attention(plan)
    calls = f" {number:d} need{'s' if number == 1 else ''} attention."
    if plan.empty:
        state = "The workspace matches the manifests."
        if plan.offline:
            state = "The workspace was not read."
        elif plan.changes:
            state = "What can be compared matches the manifests."
        return f"No changes. {state}{calls if number else ''}"
    found = plan.counts()
    shown = [*_ALWAYS, *(action for action in _SOMETIMES if found.get(action))]
    return f"Plan: {', '.join(f'{found.get(action, 0)} to {action.value}' for action in shown)}.{calls}"


def _approval(plan: Plan) -> str:
    return f"keyturn apply --approve {plan.digest()}"


def _sections(plan: Plan) -> tuple[Section, ...]:
    grouped: dict[Part, list[Entry]] = {}
    for part, entry in entries(plan):
        grouped.setdefault(part, []).append(entry)
    return tuple(
        Section(part=part, title=TITLES[part], tone=grouped[part][0].tone, entries=tuple(grouped[part]))
        for part in Part
        if part in grouped
    )


def _subject(finding: Diagnostic) -> object:
    return finding.address or (finding.code, finding.origin, finding.message)


def _links(plan: Plan) -> Iterator[Link]:
    reached = [impact for address, impact in plan.impact.items() if address.kind == "connection"]
    placed = {work for impact in reached for work in impact.work}
    for change in plan.changes:
        for used in _references(change):
            yield Link(str(used), str(change.address))
    for address, impact in sorted(plan.impact.items()):
        for name in (*impact.insiders, *impact.outsiders):
            yield Link(str(address), name)
        through = address.kind == "connection"
        yield from (Link(str(address), work) for work in impact.work if through or work not in placed)


def _references(change: Change) -> list[Address]:
    sides = [change.desired.fields if change.desired else {}, change.known.applied if change.known else {}]
    return sorted({leaf for side in sides for leaf in side.values() if isinstance(leaf, Address)})
