"""Decoding of the smaller answers: connection tests, the organization, its limits, the gallery."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from keyturn.api.dialect import either, single
from keyturn.api.records import Organization, TestResult
from keyturn.api.strict import Puzzling

LONGEST_MESSAGE = 200

_VERSION = re.compile(r"[\w .,+()/:-]{1,80}")


def result_of_test(tree: object, hide: Callable[[str], str] = str) -> TestResult:
    """Decode ``{ok, latencyMs, serverVersion, message}`` or ``{success, message}``.

    Anything but an explicit true or false is None, two that differ among them. ``hide`` takes
    out of a text the secrets that could be repeated in it.
    """
    try:
        fields = single(tree)
    except Puzzling:
        return TestResult(ok=None)
    version = _said(fields, "server_version", hide)
    return TestResult(
        ok=_verdict(fields),
        latency_ms=_latency(fields),
        server_version=version if _VERSION.fullmatch(version) else "",
        message=_said(fields, "message", hide),
    )


def failed_openly(tree: object) -> bool:
    """Tell whether an answer is a connection test's explicit no."""
    return isinstance(tree, Mapping) and result_of_test(tree).ok is False


def organization(tree: object) -> Organization:
    """Decode ``{id, name, slug, plan}``; raises Puzzling without an id."""
    fields = single(tree)
    identity = fields.get("id")
    if not isinstance(identity, str) or not identity:
        message = "an organization without an id"
        raise Puzzling(message)
    return Organization(id=identity, **{name: _word(fields, name) for name in ("name", "slug", "plan")})


def limits(tree: object) -> Mapping[str, int]:
    """Decode ``{max_connections: 100, …}``: what is a whole number; a limit that is null is none."""
    fields = single(tree)
    return MappingProxyType({key: value for key, value in fields.items() if type(value) is int})


def _verdict(fields: Mapping[str, Any]) -> bool | None:
    said = {fields[key] for key in ("ok", "success") if isinstance(fields.get(key), bool)}
    return said.pop() if len(said) == 1 else None


def _latency(fields: Mapping[str, Any]) -> float | None:
    latency = _lenient(fields, "latency_ms")
    plain = isinstance(latency, int | float) and not isinstance(latency, bool)
    return float(latency) if plain and latency >= 0 else None


def _said(fields: Mapping[str, Any], name: str, hide: Callable[[str], str]) -> str:
    text = _lenient(fields, name)
    if not isinstance(text, str):
        return ""
    shown = "".join(
        " " if letter in "\r\n\t" else letter for letter in hide(text) if letter in "\r\n\t" or _plain(letter)
    )
    return shown if len(shown) <= LONGEST_MESSAGE else shown[: LONGEST_MESSAGE - 1] + "…"


def _plain(letter: str) -> bool:
    return unicodedata.category(letter)[0] != "C" and letter not in "\u2028\u2029"


def _lenient(fields: Mapping[str, Any], name: str) -> Any:
    try:
        return either(fields, name)
    except Puzzling:
        return None


def _word(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""
