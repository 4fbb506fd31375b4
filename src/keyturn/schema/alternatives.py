"""Diagnosis of the ``oneOf`` alternatives of a credential type: the closest one and its wrong fields."""

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
        present = len(self.own_fields) - len(self.missing_fields)
        return (present - len(self.foreign_fields), -len(self.missing_fields))


class AlternativeMismatch(Struct, frozen=True):
    """Why not exactly one alternative matches; ``missing_fields`` are fields that would complete one."""

    code: str
    message: str
    hint: str
    missing_fields: frozenset[str] = frozenset()


def explain_alternatives(present: Collection[str], branches: Sequence[Schema]) -> AlternativeMismatch | None:
    """Return why the fields in ``present`` match no alternative or several, None if they match one.

    ``branches`` are those of a ``oneOf``. Each has a ``title`` and lists its own fields in ``x-own``;
    ``key_*`` matches all names with this prefix.
    """
    matches = [_match_alternative(branch, present) for branch in branches]
    complete = [match for match in matches if not match.missing_fields]
    exact = [match for match in complete if not match.foreign_fields]
    if len(exact) == 1:
        return None
    best = max(exact or matches, key=lambda match: match.match_score)
    titles = (f"{match.title} ({', '.join(match.own_fields)})" for match in matches)
    hint = f"alternatives: {'; '.join(titles)}"
    if len(best.missing_fields) == len(best.own_fields) and not complete:
        missing = frozenset(name for match in matches for name in match.own_fields)
        return AlternativeMismatch(
            "KT137", "none of the alternatives of this credential type is given", hint, missing
        )
    if best.foreign_fields or len(exact) > 1:
        return AlternativeMismatch("KT138", _describe_mixture(best, matches, complete), f"keep one; {hint}")
    verb = "is" if len(best.missing_fields) == 1 else "are"
    message = f"{best.title}: {' and '.join(best.missing_fields)} {verb} missing"
    return AlternativeMismatch("KT137", message, hint, frozenset(best.missing_fields))


def _describe_mixture(
    best: _AlternativeMatch, matches: list[_AlternativeMatch], complete: list[_AlternativeMatch]
) -> str:
    others = [
        match
        for match in matches
        if match is not best and (match in complete or set(match.own_fields) & set(best.foreign_fields))
    ]
    if others:
        return f"two alternatives are mixed: {best.title} and {others[0].title}"
    return f"{', '.join(best.foreign_fields)} does not belong to {best.title}"


def _match_alternative(branch: Schema, present: Collection[str]) -> _AlternativeMatch:
    own_fields = tuple(branch["x-own"])
    blocks = branch["properties"]
    rules = [blocks[block].get("propertyNames", {}) for block in ("config", "secrets")]
    return _AlternativeMatch(
        title=branch["title"],
        own_fields=own_fields,
        missing_fields=tuple(
            own for own in own_fields if not any(_is_own_field(own, name) for name in present)
        ),
        foreign_fields=tuple(
            name for name in present if not any(_is_allowed_name(rule, name) for rule in rules)
        ),
    )


def _is_own_field(own: str, name: str) -> bool:
    return name.startswith(own[:-1]) if own.endswith("*") else name == own


def _is_allowed_name(rule: Schema, name: str) -> bool:
    if "pattern" in rule:
        return compile_pattern(rule["pattern"]).search(name) is not None
    return name in rule.get("enum", ()) or any(_is_allowed_name(each, name) for each in rule.get("anyOf", ()))
