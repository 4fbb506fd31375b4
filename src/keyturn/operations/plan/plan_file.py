"""A saved plan: authenticated, without secrets, valid for one workspace and a few hours.

The file is one line ``keyturn-plan VERSION MAC``, then JSON. MAC is the HMAC-SHA256 of every byte
after that line, as hex, under a key derived from the repository's fingerprint key. Only a holder of a
decryption key can create a file, and every changed byte is detected.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import msgspec
from msgspec import Struct

from keyturn import __version__
from keyturn.model.address import SourceLocation
from keyturn.model.clock import format_timestamp
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity, error_diagnostic
from keyturn.model.plan import Plan, describe_moved_options, describe_moved_values
from keyturn.operations.plan.plan import PlanOptions, PlanResult
from keyturn.operations.plan.plan_document import PlanRecord, from_plan_record, to_plan_record
from keyturn.operations.run_context import RunContext
from keyturn.project.keys import open_decryptor
from keyturn.project.project import Project, Workspace
from keyturn.project.workspace_key import read_root_key
from keyturn.trust.derivation import derive_key

PLAN_FILE_PURPOSE = "saved plan"
"""The purpose for which the key of the MAC is derived."""

PLAN_LIFETIME = timedelta(hours=24)
"""How long a saved plan may be applied."""

_HEADER_NAME = b"keyturn-plan "
_HEADER = _HEADER_NAME + b"3 "

_MAX_SHOWN_DIFFERENCES = 8

_DIFFERENCE_TEXTS = {
    "action": "the action",
    "manifest": "the content of its manifest",
    "ciphers": "an encrypted secret",
    "secrets": "the status of a secret",
    "fields": "its fields",
    "expected": "the live object changed since",
    "id": "the live object is a different one",
    "recorded": "its version in the state",
    "entry": "its entry in the state",
    "exposures": "the destination of a secret",
    "renamed_from": "its previous name",
}


class SavedPlan(Struct, frozen=True, kw_only=True):
    """A plan as it was reviewed; ``expires`` is RFC 3339."""

    plan: Plan
    options: PlanOptions
    commit: str
    tool: str
    expires: str


class _PlanDocument(Struct, frozen=True, kw_only=True):
    tool: str
    commit: str
    made: str
    expires: str
    digest: str
    options: PlanOptions
    plan: PlanRecord


def save_plan(run: RunContext, planned: PlanResult, options: PlanOptions, file: Path) -> None:
    """Write a plan and its options to a file that only its owner can read.

    Raises DiagnosticError if the repository's fingerprint key cannot be decrypted, OSError if the
    file cannot be written.
    """
    data = encode_plan(planned, options, run.clock.now(), run.actor.commit)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as writer:
        writer.write(data)
    temporary.replace(file)


def open_plan(project: Project, environment: Mapping[str, str], file: Path, now: datetime) -> SavedPlan:
    """Return a plan that ``save_plan`` wrote, verified; needs a decryption key and no API key.

    Raises DiagnosticError KT650 for a changed file or one of another version, KT651 for an expired one.
    """
    data = file.read_bytes()
    workspace = _find_plan_workspace(project, data, str(file))
    key = read_root_key(project, workspace, open_decryptor(project, environment), environment)
    return decode_plan(data, key, str(file), now)


def _find_plan_workspace(project: Project, data: bytes, where: str) -> Workspace:
    # The name only selects the key; the MAC is verified with it.
    try:
        name = str(msgspec.json.decode(data.partition(b"\n")[2])["plan"]["workspace"])
    except (msgspec.MsgspecError, KeyError, TypeError):
        _reject_plan_file("KT650", where, "this saved plan was changed, truncated, or is no plan")
    if name not in project.workspaces:
        message = "this saved plan is for a workspace that keyturn.yaml does not name"
        hint = f"apply it in the repository of the plan, with --workspace: {', '.join(project.workspaces)}"
        raise DiagnosticError(error_diagnostic("KT650", SourceLocation(where), message, hint))
    return project.workspaces[name]


def encode_plan(planned: PlanResult, options: PlanOptions, made: datetime, commit: str) -> bytes:
    """Return the content of a plan file.

    Raises DiagnosticError if the repository's fingerprint key cannot be decrypted.
    """
    document = _PlanDocument(
        tool=__version__,
        commit=commit,
        made=format_timestamp(made),
        expires=format_timestamp(made + PLAN_LIFETIME),
        digest=planned.plan.approval_digest(),
        options=options,
        plan=to_plan_record(planned.plan),
    )
    body = _encode_canonical_json(document)
    return _HEADER + _compute_mac(planned.secret_loader.read_root_key(), body) + b"\n" + body


def decode_plan(data: bytes, key: bytes, where: str, now: datetime) -> SavedPlan:
    """Return the plan of a file with a valid MAC; ``where`` names the file in messages.

    Raises DiagnosticError KT650 for a changed file or one of another version, KT651 for an expired one.
    """
    header, _, body = data.partition(b"\n")
    if header.startswith(_HEADER_NAME) and not header.startswith(_HEADER):
        _reject_plan_file("KT650", where, "this saved plan was made by another version of keyturn")
    if not hmac.compare_digest(header, _HEADER + _compute_mac(key, body)):
        _reject_plan_file(
            "KT650", where, "this saved plan was changed, truncated, or made with another repository's key"
        )
    try:
        saved = _decode_body(body)
    except ValueError:
        _reject_plan_file("KT650", where, "this saved plan was made by another version of keyturn")
    if format_timestamp(now) > saved.expires:
        _reject_plan_file("KT651", where, f"this saved plan expired at {saved.expires}")
    return saved


def _decode_body(body: bytes) -> SavedPlan:
    document = msgspec.convert(json.loads(body), _PlanDocument)
    plan = from_plan_record(document.plan)
    if plan.approval_digest() != document.digest:
        raise ValueError
    return SavedPlan(
        plan=plan,
        options=document.options,
        commit=document.commit,
        tool=document.tool,
        expires=document.expires,
    )


def _encode_canonical_json(document: _PlanDocument) -> bytes:
    tree = msgspec.to_builtins(document, order="deterministic")
    return json.dumps(tree, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def require_same_plan(before: Plan, after: Plan, where: str) -> None:
    """Raise DiagnosticError KT652 with the differences unless both plans have the same digest."""
    if before.approval_digest() == after.approval_digest():
        return
    lines = describe_differences(before.digest_payload(), after.digest_payload()) or ("the order of changes",)
    _reject_plan_file("KT652", where, f"the plan changed since it was saved: {format_differences(lines)}")


def format_differences(lines: tuple[str, ...]) -> str:
    """Return the first differences in one line, and how many more there are."""
    hidden = len(lines) - _MAX_SHOWN_DIFFERENCES
    return "; ".join(lines[:_MAX_SHOWN_DIFFERENCES]) + (f"; and {hidden} more" if hidden > 0 else "")


def describe_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return one line for each difference between two digest payloads, first those of the settings."""
    return (
        *describe_moved_values(before["settings"], after["settings"]),
        *describe_moved_options(tuple(before["options"]), tuple(after["options"])),
        *_describe_manifests(before["manifests"], after["manifests"]),
        *_describe_intents(before["open_intents"], after["open_intents"]),
        *_describe_operations(before["operations"], after["operations"]),
    )


def _describe_manifests(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for address in sorted({*then, *now}):
        if then.get(address) != now.get(address):
            yield f"{address}: the content of its manifest"


def _describe_intents(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    yield from (f"a request is no longer open: {then[each]}" for each in sorted(then.keys() - now.keys()))
    yield from (f"a request was left open: {now[each]}" for each in sorted(now.keys() - then.keys()))


def _describe_operations(
    before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]
) -> Iterator[str]:
    then = {each["address"]: each for each in before}
    now = {each["address"]: each for each in after}
    for address in sorted({*then, *now}):
        if address not in now:
            yield f"{address}: {then[address]['action']} is no longer in the plan"
        elif address not in then:
            yield f"{address}: {now[address]['action']} is new in the plan"
        else:
            yield from _describe_operation(address, then[address], now[address])


def _describe_operation(address: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [f"{address}: {text}" for key, text in _DIFFERENCE_TEXTS.items() if then.get(key) != now.get(key)]


def _compute_mac(key: bytes, body: bytes) -> bytes:
    return hmac.new(derive_key(key, PLAN_FILE_PURPOSE), body, hashlib.sha256).hexdigest().encode()


def _reject_plan_file(code: str, where: str, message: str) -> NoReturn:
    raise DiagnosticError(
        Diagnostic(
            code=code,
            severity=Severity.ERROR,
            message=message,
            origin=SourceLocation(where),
            hint="run `keyturn plan --out FILE` again and have the new plan reviewed",
        )
    )
