"""Break glass: a compromised credential is detached everywhere and soft-deleted, now.

It works without git, without manifests and without a ledger, because at three in the morning any
of them may be what is broken. What was done is recorded where that is possible: in the journal, or
else in what the command prints. The ledger's entry is left as it is, so that the next plan sees an
object that was deleted outside of an apply and does not bring it back unasked.
"""

from collections.abc import Mapping

from keyturn.api.client import Client
from keyturn.api.errors import Absent, ServiceError
from keyturn.core.address import Address, Origin
from keyturn.core.counting import counted
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.core.fields import nest
from keyturn.core.frozen import frozen
from keyturn.core.resource import Live
from keyturn.engine.together import side_by_side
from keyturn.kinds import KINDS

DETACHERS = 8


@frozen
class Step:
    """One thing that was done, and how it ended; ``trouble`` is empty when it went well."""

    address: Address
    deed: str
    trouble: str = ""


@frozen
class Revocation:
    """What a revocation did, in order."""

    credential: Live
    steps: tuple[Step, ...]

    @property
    def complete(self) -> bool:
        """Whether everything went well."""
        return not any(step.trouble for step in self.steps)


def target(service: Client, name: str) -> Live:
    """Return the live credential of this exact name; raises Faulty KT470."""
    kind = KINDS["credential"]
    found = [kind.decode(each) for each in service.records(kind.collection).records]
    named = [each for each in found if each.address.name == name and each.status != "deleted"]
    if len(named) == 1:
        return named[0]
    message = (
        f"there is no live credential {name}"
        if not named
        else f"{name} is the name of {counted(len(named), 'credential')}"
    )
    raise Faulty(
        Diagnostic(
            code="KT470",
            severity=Severity.ERROR,
            message=message,
            origin=Origin("workspace"),
            hint="write it as Planasonix shows it; a key with fewer rights may not see it",
        )
    )


def revoke(service: Client, credential: Live) -> Revocation:
    """Detach a credential from every connection and soft-delete it; goes on whatever fails."""
    kind = KINDS["connection"]
    listed = [kind.decode(each) for each in service.records(kind.collection).records]
    users = [each for each in listed if credential.id in each.fields.values()]
    steps = side_by_side(lambda each: _detach(service, each, credential), users, DETACHERS)
    return Revocation(credential, (*steps, _delete(service, credential)))


def _detach(service: Client, user: Live, credential: Live) -> Step:
    try:
        kind = KINDS["connection"]
        now = kind.decode(service.fetch(kind.collection, user.id))
        service.update(kind.collection, now.id, _without(now, credential.id), idempotent=True)
        back = kind.decode(service.fetch(kind.collection, now.id))
    except ServiceError as error:
        return Step(user.address, "detach", error.message)
    still = credential.id in back.fields.values()
    return Step(user.address, "detach", "the service still shows it attached" if still else "")


def _without(now: Live, identity: str) -> Mapping[str, object]:
    config = {path[1:]: leaf for path, leaf in now.fields.items() if path[0] == "config" and leaf != identity}
    return {"name": now.address.name, "config": nest(config), "credentialId": None}


def _delete(service: Client, credential: Live) -> Step:
    try:
        service.retire("credentials", credential.id, idempotent=True)
        after = KINDS["credential"].decode(service.fetch("credentials", credential.id))
    except Absent:
        return Step(credential.address, "soft-delete")
    except ServiceError as error:
        return Step(credential.address, "soft-delete", error.message)
    gone = after.status == "deleted"
    return Step(credential.address, "soft-delete", "" if gone else "the service still shows it active")
