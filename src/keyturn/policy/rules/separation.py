"""Separation: what belongs to different environments or workloads is kept apart."""

from collections.abc import Iterable, Iterator, Mapping

from keyturn.core.counting import counted
from keyturn.core.diagnostic import Severity
from keyturn.core.fields import Path
from keyturn.policy.environments import environment_of
from keyturn.policy.fleet import Fleet
from keyturn.policy.rule import Context, Found, Needs, on_context, on_fleet
from keyturn.policy.settings import Settings
from keyturn.policy.spelling import fold
from keyturn.policy.subject import Subject
from keyturn.policy.words import AI_TYPES, say

_AZURE = frozenset({"azure", "azureopenai"})
_CALLING = AI_TYPES | {"restapi", "graphql"}
_VENDORS = frozenset({"vendor", "provider"})
_CLIENT_IDS = frozenset({"clientid", "consumerkey", "accesskeyid"})


def attachment(fleet: Fleet, settings: Settings) -> Iterator[Found]:
    """Find references from one environment into another."""
    for use in fleet.uses:
        ours, theirs = environment_of(use.user, settings), environment_of(use.used, settings)
        if ours and theirs and ours != theirs:
            message = f"the {use.user.address.kind} uses {use.used.address}, which is of another environment"
            yield Found(subject=use.user, path=use.path, message=message)


def client_ids(fleet: Fleet, settings: Settings) -> Iterator[Found]:
    """Find client ids that are stated in more than one environment."""
    holders: dict[tuple[str, str], list[tuple[Subject, Path]]] = {}
    for subject in fleet.subjects:
        for path, leaf in subject.named(_CLIENT_IDS):
            if isinstance(leaf, str) and leaf:
                holders.setdefault((fold(path[-1]), leaf), []).append((subject, path))
    for group in holders.values():
        for (subject, path), first in _crossing(group, settings):
            message = f"the {say(path)} is that of {first.address}, which is of another environment"
            yield Found(subject=subject, path=path, message=message)


def same_secret(fleet: Fleet, settings: Settings, context: Context) -> Iterator[Found]:
    """Find secrets that more than one environment uses."""
    for group in _alike(fleet, context.fingerprints):
        for (subject, path), first in _crossing(group, settings):
            message = f"the secret {say(path)} is also used by {first.address}, of another environment"
            yield Found(subject=subject, path=path, message=message, key=True)


def shared_secret(fleet: Fleet, settings: Settings, context: Context) -> Iterator[Found]:
    """Find secrets that several credentials of one environment use."""
    for group in _alike(fleet, context.fingerprints):
        first, *others = group
        crossing = {id(subject) for (subject, _), _ in _crossing(group, settings)}
        for subject, path in others:
            if subject is not first[0] and id(subject) not in crossing:
                message = f"the secret {say(path)} is also used by {first[0].address}"
                yield Found(subject=subject, path=path, message=message, key=True)


def workloads(fleet: Fleet, _: Settings) -> Iterator[Found]:
    """Find credentials that connections of several workloads use."""
    for uses in fleet.users().values():
        stated = {use.user.labels["workload"] for use in uses if use.user.labels.get("workload")}
        if len(stated) > 1:
            used = uses[0].used
            message = (
                f"the {used.address.kind} serves {counted(len(stated), 'workload')}, by their label workload"
            )
            yield Found(subject=used, path=("name",), message=message)


def ai_providers(fleet: Fleet, _: Settings) -> Iterator[Found]:
    """Find connections and credentials that Azure OpenAI and OpenAI share."""
    providers = {
        subject.file: _providers(subject) for subject in fleet.subjects if fold(subject.type) in _CALLING
    }
    for subject in fleet.subjects:
        if len(providers.get(subject.file, ())) > 1:
            message = "the connection names both Azure OpenAI and OpenAI"
            yield Found(subject=subject, path=("type",), message=message)
    for uses in fleet.users().values():
        if len({provider for use in uses for provider in providers.get(use.user.file, ())}) > 1:
            message = "the credential is used for both Azure OpenAI and OpenAI"
            yield Found(subject=uses[0].used, path=("name",), message=message)


def _alike(
    fleet: Fleet, fingerprints: Mapping[tuple[str, Path], str]
) -> Iterable[list[tuple[Subject, Path]]]:
    by_file = {subject.file: subject for subject in fleet.subjects}
    groups: dict[str, list[tuple[Subject, Path]]] = {}
    for (file, path), fingerprint in sorted(fingerprints.items()):
        if file in by_file:
            groups.setdefault(fingerprint, []).append((by_file[file], ("secrets", *path)))
    return groups.values()


def _crossing(
    group: list[tuple[Subject, Path]], settings: Settings
) -> Iterator[tuple[tuple[Subject, Path], Subject]]:
    placed = [(holder, environment_of(holder[0], settings)) for holder in group]
    placed = [(holder, environment) for holder, environment in placed if environment]
    for holder, environment in placed[1:]:
        other = next((held for held, theirs in placed if theirs != environment), None)
        if other:
            yield holder, other[0]


def _providers(subject: Subject) -> set[str]:
    texts = [leaf.lower() for leaf in subject.config.values() if isinstance(leaf, str)]
    vendors = {fold(leaf) for _, leaf in subject.named(_VENDORS) if isinstance(leaf, str)}
    azure = any(".openai.azure.com" in text for text in texts)
    found = set()
    if azure or _AZURE & {fold(subject.type), *vendors}:
        found.add("azure")
    public = any("api.openai.com" in text for text in texts) or "openai" in vendors
    if public or (fold(subject.type) == "openai" and not found):
        found.add("openai")
    return found


RULES = (
    on_fleet("KT312", Severity.ERROR, attachment),
    on_fleet("KT360", Severity.ERROR, client_ids),
    on_context("KT361", Severity.ERROR, Needs.SECRETS, same_secret),
    on_context("KT362", Severity.NOTE, Needs.SECRETS, shared_secret),
    on_fleet("KT363", Severity.WARNING, workloads),
    on_fleet("KT366", Severity.ERROR, ai_providers),
)
