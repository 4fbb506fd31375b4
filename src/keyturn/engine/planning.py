"""The pipeline: files, ledger and service in; a plan out. This is the picture of the README."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from keyturn.core.address import Address, Origin
from keyturn.core.change import Action, Change
from keyturn.core.diagnostic import Diagnostic, Severity
from keyturn.core.diff import diff
from keyturn.core.exposing import expose
from keyturn.core.guard import Question, guard
from keyturn.core.inputs import Consents, Inputs
from keyturn.core.order import order
from keyturn.core.plan import Impact, Plan
from keyturn.core.protect import protect
from keyturn.engine.impact import measure
from keyturn.engine.observe import Wanted, census, observe, refuse_foreign
from keyturn.engine.opening import Opener
from keyturn.engine.recover import Settled, settle
from keyturn.engine.run import Run
from keyturn.ledger.clock import stamp
from keyturn.ledger.reading import Reading, read_ledger

REQUESTS: Mapping[Action, int] = MappingProxyType(
    {
        Action.CREATE: 2,
        Action.UPDATE: 3,
        Action.RENAME: 3,
        Action.ADOPT: 3,
        Action.ROTATE: 8,
        Action.RESTORE: 6,
        Action.RETIRE: 4,
        Action.REPLACE: 8,
    }
)
"""About how many requests a change costs: reading again, writing, reading back, probes and tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the user asked for beyond the manifests: a narrower view, consents, secrets to write again."""

    targets: tuple[str, ...] = ()
    consents: Consents = field(default_factory=Consents)
    reassert: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan with what it was made of; an apply goes on from here."""

    plan: Plan
    inputs: Inputs
    reading: Reading
    settled: Settled
    opener: Opener


def plan(run: Run, wish: Wish) -> Planned:
    """Compare git, ledger and service, and say what would be done; nothing is written."""
    refuse_foreign(run.service, run.workspace.organization)
    ledger = read_ledger(run.store, run.workspace.name, run.workspace.organization)
    opener = Opener.of(run)
    loaded = opener.load()
    desired = {each.address: each for each in loaded.desired}
    listed = census(run.service)
    settled = settle(ledger.ledger, listed)
    live = observe(run.service, listed, Wanted(desired, settled.entries))
    sides = doubt(Inputs(desired=desired, known=settled.entries, live=live), wish.reassert)
    hands = protect(opener.open(sides), wish.targets, stamp(run.clock.now())[:10])
    changes = order(expose(diff(hands.inputs), hands.inputs), settled.entries)
    reach = measure(run.service, changes, live, settled.entries)
    breaches = guard(question(run, wish, hands.inputs, changes, reach.users))
    findings = (*ledger.findings, *loaded.findings, *settled.findings, *hands.findings, *breaches)
    made = assemble(run, changes, findings, reach.impact, len(desired))
    return Planned(plan=made, inputs=hands.inputs, reading=ledger, settled=settled, opener=opener)


def question(
    run: Run, wish: Wish, inputs: Inputs, changes: tuple[Change, ...], users: Mapping[str, tuple[str, ...]]
) -> Question:
    """Return what the guards are asked about a plan."""
    return Question(
        changes=changes,
        inputs=inputs,
        consents=wish.consents,
        limits=run.project.policy.limits,
        users=users,
    )


def doubt(inputs: Inputs, names: frozenset[str]) -> Inputs:
    """Return the inputs with some fingerprints forgotten, so that those secrets are written again."""
    known = {
        address: replace(each, fingerprints={}, digest="") if address.name in names else each
        for address, each in inputs.known.items()
    }
    return replace(inputs, known=known) if names else inputs


def assemble(
    run: Run,
    changes: tuple[Change, ...],
    findings: tuple[Diagnostic, ...],
    impact: Mapping[Address, Impact],
    resources: int,
) -> Plan:
    """Return the plan: what was found and what is to be done by hand, worst first."""
    manual = tuple(_consent(change) for change in changes if _needs_consent(change))
    return Plan(
        workspace=run.workspace.name,
        organization=run.workspace.organization,
        changes=changes,
        findings=tuple(sorted((*findings, *manual), key=lambda each: each.rank)),
        impact=impact,
        resources=resources,
        requests=sum(REQUESTS.get(change.action, 0) for change in changes),
    )


def _needs_consent(change: Change) -> bool:
    return (
        change.desired is not None
        and change.desired.type == "oauth"
        and change.action in {Action.CREATE, Action.REPLACE, Action.ROTATE}
    )


def _consent(change: Change) -> Diagnostic:
    return Diagnostic(
        code="KT465",
        severity=Severity.NOTE,
        message=f"{change.address} works only after a person has authorized it",
        origin=change.desired.origin if change.desired else Origin("manifests"),
        hint="after the apply, open a connection that uses it in Planasonix and click Authorize",
        address=change.address,
    )
