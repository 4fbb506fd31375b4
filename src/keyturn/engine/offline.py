"""A plan without keys: against the manifests of a base revision, or an exported ledger.

It proves what changed in git, not what differs from the live workspace. Secrets are compared by
ciphertext: an equal one means an equal secret in a file that authenticates, another one under the
same data key means that somebody set it again, and when every ciphertext and the data key are new
nothing can be told.
"""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from keyturn.core.address import Address
from keyturn.core.change import Change, SecretState
from keyturn.core.diagnostic import Cause, Diagnostic, Faulty, Severity
from keyturn.core.diff import diff
from keyturn.core.exposing import expose
from keyturn.core.fields import Leaf
from keyturn.core.guard import guard
from keyturn.core.inputs import Inputs
from keyturn.core.oauth_consent import find_needed_consents
from keyturn.core.order import order
from keyturn.core.plan import Plan
from keyturn.core.protect import protect
from keyturn.core.question import Question
from keyturn.core.resource import EMPTY, Desired, Known, Live
from keyturn.engine.access import with_access
from keyturn.engine.planning import Wish
from keyturn.load.definitions import leads
from keyturn.load.project import Project, Workspace

_AGAIN = "it was encrypted anew, so whether its value changed cannot be told"


def plan_offline(
    project: Project,
    workspace: Workspace,
    sides: Inputs,
    wish: Wish,
    found: tuple[tuple[Diagnostic, ...], tuple[Diagnostic, ...]],
) -> Plan:
    """Return the plan for two sides that are both in git; raises Faulty for manifests that are wrong.

    ``found`` are the findings of loading, and the access review.
    """
    findings, access = found
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        raise Faulty(*errors)
    hands = protect(sides, wish.targets)
    changes = order(expose(diff(hands.inputs), hands.inputs, leads), hands.inputs.known)
    changes = tuple(map(_worded, changes))
    question = Question(
        changes=changes,
        inputs=hands.inputs,
        consents=wish.consents,
        limits=project.policy.limits,
        users=EMPTY,
    )
    # Only an apply compares secrets; offline, the state of each secret says that it is unknown.
    breaches = (each for each in guard(question) if each.cause is not Cause.NOT_COMPARED)
    found_here = (*findings, *hands.findings, *breaches, *find_needed_consents(changes))
    plan = Plan(
        workspace=workspace.name,
        organization=workspace.organization,
        changes=changes,
        findings=tuple(sorted(found_here, key=lambda each: each.rank)),
        resources=len(sides.desired),
        offline=True,
    )
    return with_access(plan, access)


def against(base: Iterable[Desired], desired: Iterable[Desired], anew: frozenset[str]) -> Inputs:
    """Return the sides for manifests compared with those of a base; ``anew`` are re-encrypted files."""
    wanted = {each.address: each for each in desired}
    then = {each.address: each for each in base}
    known = {address: _known(each) for address, each in then.items()}
    live = {entry.id: _live(entry) for entry in known.values()}
    prints = {address: each.ciphers for address, each in wanted.items() if each.origin.file not in anew}
    return Inputs(desired=wanted, known=known, live=live, prints=prints)


def against_ledger(entries: Mapping[Address, Known], desired: Iterable[Desired]) -> Inputs:
    """Return the sides for manifests compared with a ledger, as if nobody had touched the workspace."""
    live = {known.id: _live(known) for known in entries.values() if not known.retired_at}
    return Inputs(desired={each.address: each for each in desired}, known=entries, live=live)


def _known(base: Desired) -> Known:
    return Known(
        address=base.address,
        id=f"base:{base.address}",
        type=base.type,
        digest=base.digest,
        applied=base.fields,
        observed={path: _id(leaf) for path, leaf in base.fields.items()},
        fingerprints=base.ciphers,
        updated_at="base",
        protect=base.lifecycle.protect,
    )


def _id(leaf: Leaf) -> Leaf:
    return f"base:{leaf}" if isinstance(leaf, Address) else leaf


def _live(known: Known) -> Live:
    return Live(
        address=known.address,
        id=known.id,
        type=known.type,
        fields=known.observed,
        created_at="",
        updated_at=known.updated_at,
    )


def _worded(change: Change) -> Change:
    words = {
        SecretState.UNKNOWN: _AGAIN,
        SecretState.ROTATED: "its ciphertext is another one than at the base",
        SecretState.UNCHANGED: "its ciphertext is the one of the base",
    }
    secrets = tuple(replace(each, reason=words.get(each.state, each.reason)) for each in change.secrets)
    return replace(change, secrets=secrets)
