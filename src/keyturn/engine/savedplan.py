"""A saved plan: no secret inside, authenticated, and good for one workspace and a few hours.

The file is one line ``keyturn-plan 1 MAC`` and then JSON. MAC is HMAC-SHA256 over every byte that
follows the line, under a key derived from the repository's fingerprint key, so that whoever may
decrypt the repository made it and not one byte of it has changed since.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

from msgspec import Struct

from keyturn import __version__
from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.core.inputs import Consents
from keyturn.core.plan import Plan
from keyturn.engine.moved import moved
from keyturn.engine.planfile import pack, unpack
from keyturn.engine.planning import Planned, Wish
from keyturn.engine.run import Run
from keyturn.ledger.clock import stamp
from keyturn.ledger.fingerprint import derive
from keyturn.load.decrypt import opener
from keyturn.load.project import Project
from keyturn.load.repository_key import repository_key

PURPOSE = "saved plan"
LIFETIME = timedelta(hours=24)
"""How long a saved plan may be applied."""

_HEAD = b"keyturn-plan 1 "


class SavedPlan(Struct, frozen=True, kw_only=True):
    """A plan as it was reviewed; ``expires`` is RFC 3339."""

    plan: Plan
    wish: Wish
    commit: str
    tool: str
    expires: str


def save_plan(run: Run, planned: Planned, wish: Wish, file: Path) -> None:
    """Write a plan for a later apply, readable by its owner alone.

    ``wish`` is what it was planned with. Raises Faulty where the repository's key cannot be opened,
    OSError where the file cannot be written.
    """
    data = saved(planned, wish, run.clock.now(), run.author.commit)
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as writer:
        writer.write(data)
    aside.replace(file)


def open_plan(project: Project, environment: Mapping[str, str], file: Path, now: datetime) -> SavedPlan:
    """Return the plan that ``save_plan`` wrote, verified; needs the decryption key and no API key.

    Raises Faulty KT650 for a file that is not what was written, KT651 for one that is too old.
    """
    key = repository_key(project, opener(environment, project.policy, project.decryptor))
    return opened(file.read_bytes(), key, str(file), now)


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
