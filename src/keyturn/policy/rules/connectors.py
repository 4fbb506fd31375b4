"""Connectors: an id that is probably a slip of the pen."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType

from keyturn.core.diagnostic import Severity
from keyturn.policy.fleet import ManifestIndex
from keyturn.policy.rule import RuleContext, Violation, Requires, on_context
from keyturn.policy.settings import PolicySettings
from keyturn.policy.spelling import normalize_name, edit_distance

_LONG_WORD = 8
_SHORT_WORD = 5
_OTHER_PRODUCT_NAMES: Mapping[str, str] = MappingProxyType(
    {"mssql": "sqlserver", "mongo": "mongodb", "pg": "postgres", "psql": "postgres"}
)


def unknown_connector(fleet: ManifestIndex, _: PolicySettings, context: RuleContext) -> Iterator[Violation]:
    """Find connectors that are not known and nearly called like one that is."""
    for subject in fleet.resources:
        if subject.address.kind != "connection" or subject.type in context.connectors:
            continue
        meant = _nearest_connector(subject.type, context.connectors)
        if meant:
            message = f"no connector is known by this name, and {meant} is"
            yield Violation(resource=subject, path=("type",), message=message, hint=f"did you mean {meant}?")


@lru_cache
def _nearest_connector(word: str, known: tuple[str, ...]) -> str:
    if _OTHER_PRODUCT_NAMES.get(word) in known:
        return _OTHER_PRODUCT_NAMES[word]
    plain = normalize_name(word)
    near = min(known, key=lambda each: edit_distance(plain, normalize_name(each)), default="")
    return near if edit_distance(plain, normalize_name(near)) <= _allowed_edits(min(len(plain), len(normalize_name(near)))) else ""


def _allowed_edits(letters: int) -> int:
    # In a short word one slip makes another word: ftps is not ftp.
    if letters >= _LONG_WORD:
        return 2
    return 1 if letters >= _SHORT_WORD else 0


RULES = (on_context("KT316", Severity.WARNING, Requires.MANIFEST, unknown_connector),)
