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
from enum import Enum
from pathlib import Path
from typing import Any, NoReturn

from msgspec import Struct
from msgspec.structs import fields, replace

from keyturn import __version__
from keyturn.model.address import Address, SourceLocation
from keyturn.model.change import Action, Change, Exposure, FieldChange, SecretChange, SecretStatus
from keyturn.model.clock import format_timestamp
from keyturn.model.diagnostic import Cause, Diagnostic, DiagnosticError, Severity
from keyturn.model.plan import Impact, Plan
from keyturn.model.resource import EMPTY, DesiredResource, EncryptedSecret, Lifecycle, LiveObject, StateEntry
from keyturn.model.secret import Secret
from keyturn.operations.plan.plan import PlanOptions, PlanResult
from keyturn.operations.run_context import RunContext
from keyturn.planning.inputs import Approvals
from keyturn.project.keys import read_fingerprint_key
from keyturn.project.project import Project
from keyturn.sops.decrypt import decryptor_for
from keyturn.state.fingerprint import derive_key

_PLAN_CLASSES: Mapping[str, type[Any]] = {
    each.__name__: each
    for each in (
        Address, Change, DesiredResource, Diagnostic, Exposure, FieldChange, Impact, StateEntry, Lifecycle, LiveObject, SourceLocation,
        Plan, EncryptedSecret, SecretChange,
    )
}  # fmt: skip
_PLAN_ENUMS: Mapping[str, type[Enum]] = {
    each.__name__: each for each in (Action, Cause, SecretStatus, Severity)
}


def to_plan_json(value: Any) -> Any:  # noqa: PLR0911  # one return for each form
    """Return a plan, or any part of one, as JSON values; secrets and fingerprints stay behind."""
    if isinstance(value, Secret):
        return to_plan_json(EncryptedSecret(""))
    if isinstance(value, StateEntry):
        value = replace(value, fingerprints=EMPTY, earlier=())
    if type(value).__name__ in _PLAN_CLASSES:
        return {"is": type(value).__name__} | {
            each.name: to_plan_json(getattr(value, each.name)) for each in fields(value)
        }
    if isinstance(value, Enum):
        return {"is": type(value).__name__, "value": value.value}
    if isinstance(value, Mapping):
        return {
            "is": "mapping",
            "items": [[to_plan_json(key), to_plan_json(item)] for key, item in value.items()],
        }
    if isinstance(value, frozenset):
        return {"is": "set", "items": [to_plan_json(item) for item in sorted(value)]}
    if isinstance(value, tuple):
        return {"is": "tuple", "items": [to_plan_json(item) for item in value]}
    if isinstance(value, list):
        return [to_plan_json(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    message = f"a plan holds no {type(value).__name__}"
    raise TypeError(message)


def from_plan_json(tree: Any) -> Any:  # noqa: PLR0911  # the same
    """Return what ``pack`` was given; raises KeyError, TypeError or ValueError for anything else."""
    if isinstance(tree, list):
        return [from_plan_json(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    name = tree["is"]
    if name == "mapping":
        return {from_plan_json(key): from_plan_json(item) for key, item in tree["items"]}
    if name == "set":
        return frozenset(from_plan_json(item) for item in tree["items"])
    if name == "tuple":
        return tuple(from_plan_json(item) for item in tree["items"])
    if name in _PLAN_ENUMS:
        return _PLAN_ENUMS[name](tree["value"])
    return _PLAN_CLASSES[name](**{key: from_plan_json(item) for key, item in tree.items() if key != "is"})


_DIFFERENCE_TEXTS = {
    "action": "what would be done",
    "manifest": "the content of its manifest",
    "ciphers": "an encrypted secret",
    "secrets": "the state of a secret",
    "fields": "its fields",
    "expected": "the live object was written meanwhile",
    "id": "the live object is another one",
    "exposures": "where a secret would go",
    "renamed_from": "its former name",
}


def describe_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return one line for each difference between the facts of two plans, sorted by address."""
    lines = [
        f"{word}: {before[word]} then, {after[word]} now"
        for word in ("workspace", "organization")
        if before[word] != after[word]
    ]
    then = {each["address"]: each for each in before["operations"]}
    now = {each["address"]: each for each in after["operations"]}
    for address in sorted({*then, *now}):
        if address not in now:
            lines.append(f"{address}: {then[address]['action']} is no longer in the plan")
        elif address not in then:
            lines.append(f"{address}: {now[address]['action']} is new in the plan")
        else:
            lines += _describe_operation(address, then[address], now[address])
    return tuple(lines)


def _describe_operation(address: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [
        f"{address}: {words}" for key, words in _DIFFERENCE_TEXTS.items() if then.get(key) != now.get(key)
    ]


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
    lines = describe_differences(before.digest_payload(), after.digest_payload()) or (
        "the order of its parts",
    )
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
