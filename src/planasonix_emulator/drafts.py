"""What clients may write: checks of names, types and settings, and how a PUT joins what is there."""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from planasonix_emulator.messages import Problem, invalid
from planasonix_emulator.normalise import normalised
from planasonix_emulator.records import CREDENTIALS, Record, written
from planasonix_emulator.secrecy import CONSENT, joined, split
from planasonix_emulator.world import World

_LONGEST_NAME = 255


def checked_name(value: Any) -> str:
    """Return a name; raises Problem 400 unless it is 1 to 255 characters, not all blank."""
    if not isinstance(value, str):
        raise invalid(("name", "not a string"))
    if not value.strip():
        raise invalid(("name", "blank"))
    if len(value) > _LONGEST_NAME:
        raise invalid(("name", "too long"))
    return value


def checked_config(value: Any) -> Mapping[str, Any]:
    """Return settings; raises Problem 400 unless they are an object."""
    if not isinstance(value, Mapping):
        raise invalid(("config", "not an object"))
    return value


def required(draft: Mapping[str, Any], *names: str) -> None:
    """Raise Problem 400 that names every field that is missing or null."""
    missing = tuple((name, "missing") for name in names if draft.get(name) is None)
    if missing:
        raise invalid(*missing)


def unchanged_type(draft: Mapping[str, Any], record: Record) -> None:
    """Raise Problem 400 when a write would give an object another type."""
    if draft.get("type", record.type) != record.type:
        raise invalid(("type", "cannot be changed"))


def with_config(world: World, record: Record, config: Mapping[str, Any]) -> Record:
    """Return the object with exactly these settings, its secrets sealed apart."""
    kind = record.type if record.collection == CREDENTIALS else ""
    plain, secret = split(kind, config)
    plain = normalised(record.type, plain, world.settings.normalise)
    return replace(record, config=written(plain), sealed=world.vault.seal(record.id, secret))


def put_config(world: World, record: Record, config: Mapping[str, Any], how: str) -> Record:
    """Return the object after a PUT of settings: merged, replaced, or with unsent secrets wiped."""
    plain, secret = record.plain(), world.secrets(record)
    base = {"merge": joined(plain, secret), "wipe": plain}.get(how, {})
    if record.type == "oauth":
        base = {**base, **{name: secret[name] for name in CONSENT if name in secret}}
    merged = {**base, **config}
    nulls = [name for name, value in config.items() if value is None]
    for name in nulls:
        if world.settings.null_deletes or name not in base:
            del merged[name]
        else:
            merged[name] = base[name]
    return with_config(world, record, merged)


def received(world: World, record: Record, config: Mapping[str, Any]) -> None:
    """Count the secrets that a request brought."""
    kind = record.type if record.collection == CREDENTIALS else ""
    world.witness.receive(split(kind, config)[1])


def name_of(draft: Mapping[str, Any], record: Record) -> str:
    """Return the name that a PUT wants, or the present one."""
    return checked_name(draft["name"]) if "name" in draft else record.name


def conflict(code: str, message: str) -> Problem:
    """Return a 409."""
    return Problem(HTTPStatus.CONFLICT, code, message)
