"""Connectors: an id that is probably a slip of the pen."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType

from keyturn.core.diagnostic import Severity
from keyturn.policy.fleet import Fleet
from keyturn.policy.rule import Context, Found, Needs, on_context
from keyturn.policy.settings import Settings
from keyturn.policy.spelling import fold, slips

_LONG = 8
_SHORT = 5
_ELSEWHERE: Mapping[str, str] = MappingProxyType(
    {"mssql": "sqlserver", "mongo": "mongodb", "pg": "postgres", "psql": "postgres"}
)


def misspelt(fleet: Fleet, _: Settings, context: Context) -> Iterator[Found]:
    """Find connectors that are not known and nearly called like one that is."""
    for subject in fleet.subjects:
        if subject.address.kind != "connection" or subject.type in context.connectors:
            continue
        meant = _meant(subject.type, context.connectors)
        if meant:
            message = f"no connector is known by this name, and {meant} is"
            yield Found(subject=subject, path=("type",), message=message, hint=f"did you mean {meant}?")


@lru_cache
def _meant(word: str, known: tuple[str, ...]) -> str:
    if _ELSEWHERE.get(word) in known:
        return _ELSEWHERE[word]
    plain = fold(word)
    near = min(known, key=lambda each: slips(plain, fold(each)), default="")
    return near if slips(plain, fold(near)) <= _allowed(min(len(plain), len(fold(near)))) else ""


def _allowed(letters: int) -> int:
    # In a short word one slip makes another word: ftps is not ftp.
    if letters >= _LONG:
        return 2
    return 1 if letters >= _SHORT else 0


RULES = (on_context("KT316", Severity.WARNING, Needs.MANIFEST, misspelt),)
