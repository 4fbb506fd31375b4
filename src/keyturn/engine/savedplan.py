"""A saved plan: no secret inside, authenticated, and good for one workspace and a few hours.

The file is one line ``keyturn-plan 1 MAC`` and then JSON. MAC is HMAC-SHA256 over every byte that
follows the line, under a key derived from the repository's fingerprint key, so that whoever may
decrypt the repository made it and not one byte of it has changed since.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

from keyturn import __version__
from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.core.inputs import Consents
from keyturn.core.plan import Plan
from keyturn.engine.moved import moved
from keyturn.engine.planfile import pack, unpack
from keyturn.engine.planning import Planned, Wish
from keyturn.ledger.clock import stamp
from keyturn.ledger.fingerprint import derive

PURPOSE = "saved plan"
LIFETIME = timedelta(hours=24)
"""How long a saved plan may be applied."""

_HEAD = b"keyturn-plan 1 "


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """A plan as it was reviewed; ``expires`` is RFC 3339."""

    plan: Plan
    wish: Wish
    commit: str
    tool: str
    expires: str


def saved(planned: Planned, wish: Wish, made: datetime, commit: str) -> bytes:
    """Return the file of a plan; raises Faulty where the repository's key cannot be opened."""
    consents = wish.consents
    body = {
        "tool": __version__,
        "commit": commit,
        "made": stamp(made),
        "expires": stamp(made + LIFETIME),
        "digest": planned.plan.digest(),
        "wish": {
            "targets": list(wish.targets),
            "reassert": sorted(wish.reassert),
            "destinations": sorted(consents.destinations),
            "adopt": sorted(consents.adopt),
            "reuse": sorted(consents.reuse),
            "restore": sorted(consents.restore),
            "retire": consents.retire,
            "rotate": consents.rotate,
            "empty": consents.empty,
        },
        "plan": pack(planned.plan),
    }
    data = json.dumps(body, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
    return _HEAD + _mac(planned.opener.root_key(), data) + b"\n" + data


def opened(data: bytes, key: bytes, where: str, now: datetime) -> SavedPlan:
    """Return the plan of a file whose every byte is as it was made; raises Faulty KT650, KT651."""
    head, _, body = data.partition(b"\n")
    if not hmac.compare_digest(head, _HEAD + _mac(key, body)):
        _refuse(
            "KT650", where, "this saved plan was changed, cut short, or made with another repository's key"
        )
    try:
        found = _read(json.loads(body))
    except (KeyError, TypeError, ValueError):
        _refuse("KT650", where, "this saved plan is from another version of keyturn")
    if stamp(now) > found.expires:
        _refuse("KT651", where, f"this saved plan expired at {found.expires}")
    return found


def _read(body: dict[str, Any]) -> SavedPlan:
    wish = body["wish"]
    plan = unpack(body["plan"])
    if not isinstance(plan, Plan) or plan.digest() != body["digest"]:
        raise ValueError
    return SavedPlan(
        plan=plan,
        commit=body["commit"],
        tool=body["tool"],
        expires=body["expires"],
        wish=Wish(
            targets=tuple(wish["targets"]),
            reassert=frozenset(wish["reassert"]),
            consents=Consents(
                destinations=frozenset(wish["destinations"]),
                adopt=frozenset(wish["adopt"]),
                reuse=frozenset(wish["reuse"]),
                restore=frozenset(wish["restore"]),
                retire=wish["retire"],
                rotate=wish["rotate"],
                empty=wish["empty"],
            ),
        ),
    )


def agree(before: Plan, after: Plan, where: str) -> None:
    """Raise Faulty KT652 with what moved, unless both plans would do the same."""
    if before.digest() == after.digest():
        return
    lines = moved(before.facts(), after.facts()) or ("the order of its parts",)
    shown = "; ".join(lines[:8]) + (f"; and {len(lines) - 8} more" if len(lines) > 8 else "")  # noqa: PLR2004
    _refuse("KT652", where, f"things moved since the plan was made: {shown}")


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.new(derive(key, PURPOSE), data, hashlib.sha256).hexdigest().encode()


def _refuse(code: str, where: str, message: str) -> NoReturn:
    raise Faulty(
        Diagnostic(
            code=code,
            severity=Severity.ERROR,
            message=message,
            origin=Origin(where),
            hint="make a new one with `keyturn plan --out FILE` and have it reviewed",
        )
    )
