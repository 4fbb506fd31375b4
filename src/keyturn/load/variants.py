"""The alternatives of a credential type: which one was meant, what it lacks, what does not go with it."""

from collections.abc import Collection, Sequence

from msgspec import Struct

from keyturn.load.definitions import Schema, compile_pattern


class _Fit(Struct, frozen=True):
    title: str
    own: tuple[str, ...]
    missing: tuple[str, ...]
    foreign: tuple[str, ...]

    @property
    def score(self) -> tuple[int, int]:
        held = len(self.own) - len(self.missing)
        return (held - len(self.foreign), -len(self.missing))


class Misfit(Struct, frozen=True):
    """Why no alternative fits, or more than one: ``missing`` are the fields that would complete one."""

    code: str
    message: str
    hint: str
    missing: frozenset[str] = frozenset()


def misfit(present: Collection[str], branches: Sequence[Schema]) -> Misfit | None:
    """Return why none of the alternatives fits the fields that are ``present``; None where one does.

    ``branches`` are those of a ``oneOf``: each has a ``title`` and names its own fields in
    ``x-own``, where ``key_*`` stands for every name that begins so.
    """
    fits = [_fit(branch, present) for branch in branches]
    whole = [fit for fit in fits if not fit.missing]
    exact = [fit for fit in whole if not fit.foreign]
    best = max(exact or fits, key=lambda fit: fit.score)
    every = "alternatives: " + "; ".join(f"{fit.title} ({', '.join(fit.own)})" for fit in fits)
    if len(exact) == 1:
        return None
    if len(best.missing) == len(best.own) and not whole:
        missing = frozenset(name for fit in fits for name in fit.own)
        return Misfit("KT137", "none of the alternatives of this credential type is here", every, missing)
    if best.foreign or len(exact) > 1:
        return Misfit("KT138", _mixed(best, fits, whole), f"keep one; {every}")
    lacking = " and ".join(best.missing)
    return Misfit("KT137", f"{best.title}: {lacking} is missing", every, frozenset(best.missing))


def _mixed(best: _Fit, fits: list[_Fit], whole: list[_Fit]) -> str:
    others = [fit for fit in fits if fit is not best and (fit in whole or set(fit.own) & set(best.foreign))]
    if others:
        return f"two alternatives stand together: {best.title} and {others[0].title}"
    return f"{', '.join(best.foreign)} does not go with {best.title}"


def _fit(branch: Schema, present: Collection[str]) -> _Fit:
    own = tuple(branch["x-own"])
    parts = branch["properties"]
    rules = [parts[block].get("propertyNames", {}) for block in ("config", "secrets")]
    return _Fit(
        title=branch["title"],
        own=own,
        missing=tuple(name for name in own if not any(_is(name, each) for each in present)),
        foreign=tuple(each for each in present if not any(_allows(rule, each) for rule in rules)),
    )


def _is(own: str, name: str) -> bool:
    return name.startswith(own[:-1]) if own.endswith("*") else name == own


def _allows(rule: Schema, name: str) -> bool:
    if "pattern" in rule:
        return compile_pattern(rule["pattern"]).search(name) is not None
    return name in rule.get("enum", ()) or any(_allows(each, name) for each in rule.get("anyOf", ()))
