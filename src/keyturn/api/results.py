"""Decoding of the smaller answers: connection tests, the organization, its limits, the gallery."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from keyturn.api.dialect import read_either_case, decode_single
from keyturn.api.records import Organization, TestResponse
from keyturn.api.strict import ResponseFormatError

MAX_MESSAGE_LENGTH = 200

_VERSION_PATTERN = re.compile(r"[\w .,+()/:-]{1,80}")


def decode_test_response(tree: object, redact: Callable[[str], str] = str) -> TestResponse:
    """Decode ``{ok, latencyMs, serverVersion, message}`` or ``{success, message}``.

    Anything but an explicit true or false is None, two that differ among them. ``hide`` takes
    out of a text the secrets that could be repeated in it.
    """
    try:
        fields = decode_single(tree)
    except ResponseFormatError:
        return TestResponse(ok=None)
    version = _read_safe_text(fields, "server_version", redact)
    return TestResponse(
        ok=_read_verdict(fields),
        latency_ms=_read_latency(fields),
        server_version=version if _VERSION_PATTERN.fullmatch(version) else "",
        message=_read_safe_text(fields, "message", redact),
    )


def is_explicit_failure(tree: object) -> bool:
    """Tell whether an answer is a connection test's explicit no."""
    return isinstance(tree, Mapping) and decode_test_response(tree).ok is False


def decode_organization(tree: object) -> Organization:
    """Decode ``{id, name, slug, plan}``; raises Puzzling without an id."""
    fields = decode_single(tree)
    identity = fields.get("id")
    if not isinstance(identity, str) or not identity:
        message = "an organization without an id"
        raise ResponseFormatError(message)
    return Organization(id=identity, **{name: _read_plain_text(fields, name) for name in ("name", "slug", "plan")})


def decode_limits(tree: object) -> Mapping[str, int]:
    """Decode ``{max_connections: 100, …}``: what is a whole number; a limit that is null is none."""
    fields = decode_single(tree)
    return MappingProxyType({key: value for key, value in fields.items() if type(value) is int})


def _read_verdict(fields: Mapping[str, Any]) -> bool | None:
    said = {fields[key] for key in ("ok", "success") if isinstance(fields.get(key), bool)}
    return said.pop() if len(said) == 1 else None


def _read_latency(fields: Mapping[str, Any]) -> float | None:
    latency = _read_leniently(fields, "latency_ms")
    plain = isinstance(latency, int | float) and not isinstance(latency, bool)
    return float(latency) if plain and latency >= 0 else None


def _read_safe_text(fields: Mapping[str, Any], name: str, redact: Callable[[str], str]) -> str:
    text = _read_leniently(fields, name)
    if not isinstance(text, str):
        return ""
    shown = "".join(
        " " if letter in "\r\n\t" else letter for letter in redact(text) if letter in "\r\n\t" or _is_printable(letter)
    )
    return shown if len(shown) <= MAX_MESSAGE_LENGTH else shown[: MAX_MESSAGE_LENGTH - 1] + "…"


def _is_printable(letter: str) -> bool:
    return unicodedata.category(letter)[0] != "C" and letter not in "\u2028\u2029"


def _read_leniently(fields: Mapping[str, Any], name: str) -> Any:
    try:
        return read_either_case(fields, name)
    except ResponseFormatError:
        return None


def _read_plain_text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""
