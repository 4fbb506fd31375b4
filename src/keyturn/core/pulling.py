"""Which drift may go back into git: what moved live alone, is plain, and tells no secret where to go."""

from collections.abc import Collection

from msgspec import Struct

from keyturn.core.address import Address
from keyturn.core.change import ABSENT, FieldChange
from keyturn.core.fields import Leaf, Path, same
from keyturn.core.looks import suspicious
from keyturn.core.pulled import Left
from keyturn.core.resource import Desired, Live


class Choice(Struct, frozen=True):
    """The drift of one manifest, sorted into what is written and what is left."""

    take: tuple[FieldChange, ...]
    left: tuple[Left, ...]


def choose(
    desired: Desired,
    live: Live,
    fields: tuple[FieldChange, ...],
    sealed: Collection[tuple[str, ...]],
    agreed: frozenset[str],
) -> Choice:
    """Sort what drifted. ``sealed`` are the paths that say where a secret goes, or as whom it is used.

    ``agreed`` names the credentials whose secrets may go to a destination that was set outside git.
    """
    take: list[FieldChange] = []
    left: list[Left] = []
    for field in fields:
        if not field.drifted:
            continue
        refusal = _refusal(field, live) or _consent(field, desired, sealed, agreed)
        if refusal:
            left.append(refusal)
        else:
            take.append(
                FieldChange(field.path, field.applied, _typed(field.live, field.wanted), field.wanted)
            )
    return Choice(tuple(take), tuple(left))


def _refusal(field: FieldChange, live: Live) -> Left | None:  # noqa: PLR0911  # one return a reason
    path, now = field.path, field.live
    if path in live.suspicious:
        return Left(path, "the service shows a mask or a secret there")
    if now == ABSENT and (refusal := _stays(path, live)):
        return Left(path, refusal)
    if isinstance(now, dict):
        return Left(path, "it is a mapping: write it by hand")
    if any(suspicious(key, now) for key in path[1:] or path):
        return Left(path, "the live value looks like a secret")
    if not same(field.applied, field.wanted):
        return Left(path, "git changed it too: decide which of the two is meant")
    if now != ABSENT and isinstance(field.wanted, Address) and not isinstance(now, Address):
        return Left(path, "it refers to what is not in git: `keyturn import` it first")
    return None


def _stays(path: Path, live: Live) -> str:
    if path[0] != "config":
        return f"it is gone live: take `{path[-1]}:` out of the manifest, or apply to bring it back"
    if any(suspicious(key, "") for key in path[1:]):
        return "it is gone live, as a service hides what is named like a secret: apply to bring it back"
    if not any(each[0] == "config" for each in live.fields):
        return "the service shows none of its settings: look at it in Planasonix, or apply to bring them back"
    return ""


def _consent(
    field: FieldChange, desired: Desired, sealed: Collection[tuple[str, ...]], agreed: frozenset[str]
) -> Left | None:
    if desired.address.kind == "credential":
        holds = field.path in sealed and (desired.secrets or desired.keep)
        concerned = {desired.address.name} if holds else set()
    elif isinstance(field.live, Address):
        concerned = {field.live.name}
    else:
        users = {leaf.name for leaf in desired.fields.values() if isinstance(leaf, Address)}
        concerned = users if field.path in sealed else set()
    missing = sorted(concerned - agreed)
    if not missing:
        return None
    return Left(field.path, f"it says where the secret of {missing[0]} goes", missing[0])


def _typed(now: Leaf, wanted: Leaf) -> Leaf:
    # A deployment may answer everything as text; git keeps the type that it was written in.
    if not isinstance(now, str) or isinstance(wanted, str):
        return now
    if isinstance(wanted, bool):
        return {"true": True, "false": False}.get(now.lower(), now)
    if isinstance(wanted, int) and now.removeprefix("-").isdecimal() and now.isascii():
        return int(now)
    return now
