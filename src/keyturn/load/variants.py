"""The alternatives of a credential type, named: which one was meant, what it lacks, what does not go with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keyturn.load.shape import Schema, expression


@dataclass(frozen=True, slots=True)
class _Fit:
    title: str
    own: tuple[str, ...]
    missing: tuple[str, ...]
    foreign: tuple[str, ...]

    @property
    def score(self) -> tuple[int, int]:
        held = len(self.own) - len(self.missing)
        return (held - len(self.foreign), -len(self.missing))


def variant(
    tree: Mapping[str, Any], type: str, branches: list[Schema]
) -> tuple[str, str, str, frozenset[str]]:
    """Say why none of the alternatives fits, or more than one: code, message, hint, fields missed.

    ``branches`` are those of a ``oneOf``: each has a ``title`` and names its own fields in
    ``x-own``, where ``key_*`` stands for every name that begins so.
    """
    present = _present(tree)
    fits = [_fit(branch, present) for branch in branches]
    best = max(fits, key=lambda fit: fit.score)
    whole = [fit for fit in fits if not fit.missing]
    every = "alternatives: " + "; ".join(f"{fit.title} ({', '.join(fit.own)})" for fit in fits)
    if len(best.missing) == len(best.own) and not whole:
        return (
            "KT137",
            f"a credential of type {type} holds one of several alternatives, and none is here",
            every,
            frozenset(),
        )
    if best.foreign or len(whole) > 1:
        return "KT138", _mixed(best, fits, whole), f"keep one; {every}", frozenset()
    lacking = " and ".join(best.missing)
    return "KT137", f"{best.title}: {lacking} is missing", every, frozenset(best.missing)


def _mixed(best: _Fit, fits: list[_Fit], whole: list[_Fit]) -> str:
    others = [fit for fit in fits if fit is not best and (fit in whole or set(fit.own) & set(best.foreign))]
    if others:
        return f"two alternatives stand together: {best.title} and {others[0].title}"
    return f"{', '.join(best.foreign)} does not go with {best.title}"


def _present(tree: Mapping[str, Any]) -> tuple[str, ...]:
    blocks = [tree.get(block) for block in ("config", "secrets")]
    stated = [str(key) for block in blocks if isinstance(block, Mapping) for key in block if key != "seal"]
    keep = tree.get("keep")
    kept = [str(name).partition(".")[0] for name in keep] if isinstance(keep, list) else []
    return tuple(dict.fromkeys([*stated, *kept]))


def _fit(branch: Schema, present: tuple[str, ...]) -> _Fit:
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
        return expression(rule["pattern"]).search(name) is not None
    return name in rule.get("enum", ()) or any(_allows(each, name) for each in rule.get("anyOf", ()))
