"""The alternatives of a credential type: which one was meant, what it lacks, what does not go with it."""

from collections.abc import Collection, Sequence

from msgspec import Struct

from keyturn.schema.definitions import Schema, compile_pattern


class _AlternativeMatch(Struct, frozen=True):
    title: str
    own_fields: tuple[str, ...]
    missing_fields: tuple[str, ...]
    foreign_fields: tuple[str, ...]

    @property
    def match_score(self) -> tuple[int, int]:
        held = len(self.own_fields) - len(self.missing_fields)
        return (held - len(self.foreign_fields), -len(self.missing_fields))


class AlternativeMismatch(Struct, frozen=True):
    """Why no alternative fits, or more than one: ``missing`` are the fields that would complete one."""

    code: str
    message: str
    hint: str
    missing_fields: frozenset[str] = frozenset()


def explain_alternatives(present: Collection[str], branches: Sequence[Schema]) -> AlternativeMismatch | None:
    """Return why none of the alternatives fits the fields that are ``present``; None where one does.

    ``branches`` are those of a ``oneOf``: each has a ``title`` and names its own fields in
    ``x-own``, where ``key_*`` stands for every name that begins so.
    """
    fits = [_match_alternative(branch, present) for branch in branches]
    whole = [fit for fit in fits if not fit.missing_fields]
    exact = [fit for fit in whole if not fit.foreign_fields]
    best = max(exact or fits, key=lambda fit: fit.match_score)
    every = "alternatives: " + "; ".join(f"{fit.title} ({', '.join(fit.own_fields)})" for fit in fits)
    if len(exact) == 1:
        return None
    if len(best.missing_fields) == len(best.own_fields) and not whole:
        missing = frozenset(name for fit in fits for name in fit.own_fields)
        return AlternativeMismatch(
            "KT137", "none of the alternatives of this credential type is here", every, missing
        )
    if best.foreign_fields or len(exact) > 1:
        return AlternativeMismatch("KT138", _describe_mixture(best, fits, whole), f"keep one; {every}")
    lacking = " and ".join(best.missing_fields)
    return AlternativeMismatch(
        "KT137", f"{best.title}: {lacking} is missing", every, frozenset(best.missing_fields)
    )


def _describe_mixture(
    best: _AlternativeMatch, fits: list[_AlternativeMatch], whole: list[_AlternativeMatch]
) -> str:
    others = [
        fit
        for fit in fits
        if fit is not best and (fit in whole or set(fit.own_fields) & set(best.foreign_fields))
    ]
    if others:
        return f"two alternatives stand together: {best.title} and {others[0].title}"
    return f"{', '.join(best.foreign_fields)} does not go with {best.title}"


def _match_alternative(branch: Schema, present: Collection[str]) -> _AlternativeMatch:
    own = tuple(branch["x-own"])
    parts = branch["properties"]
    rules = [parts[block].get("propertyNames", {}) for block in ("config", "secrets")]
    return _AlternativeMatch(
        title=branch["title"],
        own_fields=own,
        missing_fields=tuple(name for name in own if not any(_is_own_field(name, each) for each in present)),
        foreign_fields=tuple(
            each for each in present if not any(_is_allowed_name(rule, each) for rule in rules)
        ),
    )


def _is_own_field(own: str, name: str) -> bool:
    return name.startswith(own[:-1]) if own.endswith("*") else name == own


def _is_allowed_name(rule: Schema, name: str) -> bool:
    if "pattern" in rule:
        return compile_pattern(rule["pattern"]).search(name) is not None
    return name in rule.get("enum", ()) or any(_is_allowed_name(each, name) for each in rule.get("anyOf", ()))
