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
from keyturn.core.address import SourceLocation
from keyturn.core.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.core.inputs import Approvals
from keyturn.core.plan import Plan
from keyturn.engine.moved import describe_differences
from keyturn.engine.planfile import to_plan_json, from_plan_json
from keyturn.engine.planning import PlanResult, PlanOptions
from keyturn.engine.run import RunContext
from keyturn.ledger.clock import format_timestamp
from keyturn.ledger.fingerprint import derive_key
from keyturn.load.decrypt import decryptor_for
from keyturn.load.project import Project
from keyturn.load.repository_key import read_fingerprint_key

PLAN_FILE_PURPOSE = "saved plan"
PLAN_LIFETIME = timedelta(hours=24)
"""How long a saved plan may be applied."""

_HEADER = b"keyturn-plan 1 "


class SavedPlan(Struct, frozen=True, kw_only=True):
    """A plan as it was reviewed; ``expires`` is RFC 3339."""

    plan: Plan
    options: PlanOptions
    commit: str
    tool: str
    expires: str


def save_plan(run: RunContext, planned: PlanResult, options: PlanOptions, file: Path) -> None:
    """Write a plan for a later apply, readable by its owner alone.

    ``wish`` is what it was planned with. Raises Faulty where the repository's key cannot be opened,
    OSError where the file cannot be written.
    """
    data = encode_plan(planned, options, run.clock.now(), run.actor.commit)
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as writer:
        writer.write(data)
    aside.replace(file)


def open_plan(project: Project, environment: Mapping[str, str], file: Path, now: datetime) -> SavedPlan:
    """Return the plan that ``save_plan`` wrote, verified; needs the decryption key and no API key.

    Raises Faulty KT650 for a file that is not what was written, KT651 for one that is too old.
    """
    key = read_fingerprint_key(project, decryptor_for(environment, project.policy, project.decryptor))
    return decode_plan(file.read_bytes(), key, str(file), now)


def encode_plan(planned: PlanResult, options: PlanOptions, made: datetime, commit: str) -> bytes:
    """Return the file of a plan; raises Faulty where the repository's key cannot be opened."""
    consents = options.approvals
    body = {
        "tool": __version__,
        "commit": commit,
        "made": format_timestamp(made),
        "expires": format_timestamp(made + PLAN_LIFETIME),
        "digest": planned.plan.approval_digest(),
        "wish": {
            "targets": list(options.targets),
            "reassert": sorted(options.reassert),
            "destinations": sorted(consents.destinations),
            "adopt": sorted(consents.adopt),
            "reuse": sorted(consents.reuse),
            "restore": sorted(consents.restore),
            "retire": consents.retire,
            "rotate": consents.rotate,
            "empty": consents.empty,
        },
        "plan": to_plan_json(planned.plan),
    }
    data = json.dumps(body, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
    return _HEADER + _compute_mac(planned.secret_loader.read_root_key(), data) + b"\n" + data


def decode_plan(data: bytes, key: bytes, where: str, now: datetime) -> SavedPlan:
    """Return the plan of a file whose every byte is as it was made; raises Faulty KT650, KT651."""
    head, _, body = data.partition(b"\n")
    if not hmac.compare_digest(head, _HEADER + _compute_mac(key, body)):
        _reject_plan_file(
            "KT650", where, "this saved plan was changed, cut short, or made with another repository's key"
        )
    try:
        found = _parse_body(json.loads(body))
    except (KeyError, TypeError, ValueError):
        _reject_plan_file("KT650", where, "this saved plan is from another version of keyturn")
    if format_timestamp(now) > found.expires:
        _reject_plan_file("KT651", where, f"this saved plan expired at {found.expires}")
    return found


def _parse_body(body: dict[str, Any]) -> SavedPlan:
    wish = body["wish"]
    plan = from_plan_json(body["plan"])
    if not isinstance(plan, Plan) or plan.approval_digest() != body["digest"]:
        raise ValueError
    return SavedPlan(
        plan=plan,
        commit=body["commit"],
        tool=body["tool"],
        expires=body["expires"],
        options=PlanOptions(
            targets=tuple(wish["targets"]),
            reassert=frozenset(wish["reassert"]),
            approvals=Approvals(
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


def require_same_plan(before: Plan, after: Plan, where: str) -> None:
    """Raise Faulty KT652 with what moved, unless both plans would do the same."""
    if before.approval_digest() == after.approval_digest():
        return
    lines = describe_differences(before.digest_payload(), after.digest_payload()) or ("the order of its parts",)
    shown = "; ".join(lines[:8]) + (f"; and {len(lines) - 8} more" if len(lines) > 8 else "")  # noqa: PLR2004
    _reject_plan_file("KT652", where, f"things moved since the plan was made: {shown}")


def _compute_mac(key: bytes, data: bytes) -> bytes:
    return hmac.new(derive_key(key, PLAN_FILE_PURPOSE), data, hashlib.sha256).hexdigest().encode()


def _reject_plan_file(code: str, where: str, message: str) -> NoReturn:
    raise DiagnosticError(
        Diagnostic(
            code=code,
            severity=Severity.ERROR,
            message=message,
            origin=SourceLocation(where),
            hint="make a new one with `keyturn plan --out FILE` and have it reviewed",
        )
    )
