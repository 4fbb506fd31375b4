"""What jsonschema found, in words: made from keyword, path and schema, never from a value.

jsonschema's own messages quote the value, and a value that is in the wrong place may be a secret.
"""

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final, TypeAlias

from msgspec import Struct

from keyturn.core.diagnostic import Cause, Diagnostic
from keyturn.core.fields import Path
from keyturn.core.looks import secret_key
from keyturn.kinds import KINDS
from keyturn.kinds.credential import PARTS
from keyturn.load.definitions import (
    SEAL,
    Schema,
    compile_pattern,
    config_fields,
    definition,
    secret_fields,
)
from keyturn.load.findings import fault
from keyturn.load.nodes import Document
from keyturn.load.validator import build_validator
from keyturn.load.variants import misfit
from keyturn.policy.words import say

_FORMS: Final[Mapping[str, tuple[str, str]]] = {
    "object": ("a mapping", "write its keys below it, indented"),
    "array": ("a list", "write one item per line, each after a dash"),
    "string": ("text", "put the value in quotes"),
    "integer": ("a whole number", "write digits, without quotes"),
    "number": ("a number", "write digits, without quotes"),
    "boolean": ("true or false", "write true or false, without quotes"),
}
_MANY: Final = 8
_SAID: Final = frozenset({"pattern", "not", "anyOf", "required"})

_Error: TypeAlias = Any
"""A ValidationError of jsonschema, each of whose parts may be of any type."""


def spoken(path: Path) -> str:
    """Return ``path`` for a message; a key that may itself be a secret is not said."""
    return ".".join(key if key.isdigit() or say((key,)) == key else "…" for key in path)


class _Case(Struct, frozen=True):
    document: Document
    kind: str
    type: str


class _Word(Struct, frozen=True):
    finding: Diagnostic
    missing: frozenset[str] = frozenset()
    explained: frozenset[str] = frozenset()


def findings(document: Document, kind: str) -> tuple[Diagnostic, ...]:
    """Return a finding for everything in ``document`` that its schema does not allow, worst place first.

    Where an unknown field has a near name, or stands in the wrong block, nothing is said of the
    field that is missing because of it.
    """
    if kind not in KINDS:
        return (_unknown_kind(document, kind),)
    case = _Case(document, kind, str(document.tree.get("type")))
    errors = tuple(build_validator(kind).iter_errors(document.tree))
    words = [word for error in errors for word in _words(case, error)]
    explained = frozenset[str]().union(*(word.explained for word in words))
    kept = tuple(dict.fromkeys(word.finding for word in words if not word.missing & explained))
    if errors and not kept and not any("x-rule" in error.schema for error in errors):
        hint = f"compare it with `keyturn schema {kind}`"
        kept = (fault("KT133", document.origin(), "the manifest does not fit its schema", hint),)
    return tuple(sorted(kept, key=lambda finding: finding.rank))


def _words(case: _Case, error: _Error) -> Iterator[_Word]:
    path = tuple(str(part) for part in error.absolute_path)
    rule: Schema = error.schema
    if "x-rule" in rule:
        return
    if error.validator == "oneOf":
        yield from _alternatives(case, rule)
    elif error.validator in _BY_KEYWORD and not (error.validator in _SAID and "errorMessage" in rule):
        yield from _BY_KEYWORD[error.validator](case, path, error)
    else:
        yield from _own_words(case, path, error)


def _own_words(case: _Case, path: Path, error: _Error) -> Iterator[_Word]:
    said = str(error.schema.get("errorMessage", "does not have the form that its schema asks for"))
    name = said.removesuffix(" is missing")
    if name != said:
        hint = "put it under secrets, or list it under keep where its live value is to stay"
        origin = case.document.origin(("secrets",), key=True)
        yield _Word(fault("KT132", origin, f"the secret {name} is missing", hint), frozenset({name}))
    elif error.validator == "not" and path[:1] == ("secrets",):
        yield _theirs(case, path, said)
    elif error.instance != "" and not (error.validator == "anyOf" and "type" in error.schema):
        place = case.document.origin(path)
        yield _Word(fault("KT133", place, f"{spoken(path) or 'the manifest'}: {said}", _example(error)))


def _theirs(case: _Case, path: Path, why: str) -> _Word:
    origin = case.document.origin(path, key=True)
    message = f"{spoken(path)} is not yours to set"
    return _Word(fault("KT140", origin, message, why, cause=Cause.POSSIBLE_PLAINTEXT))


def _alternatives(case: _Case, rule: Schema) -> Iterator[_Word]:
    found = misfit(_meant(case), rule["oneOf"])
    if found is not None:
        block = "secrets" if "secrets" in case.document.tree else "config"
        origin = case.document.origin((block,), key=True)
        yield _Word(fault(found.code, origin, found.message, found.hint), found.missing)


def _meant(case: _Case) -> frozenset[str]:
    known = _fields(case)
    blocks = [case.document.tree.get(block) for block in ("config", "secrets")]
    stated = [str(key) for block in blocks if isinstance(block, Mapping) for key in block if key != SEAL]
    keep = case.document.tree.get("keep")
    kept = [str(name).partition(".")[0] for name in keep] if isinstance(keep, list) else []
    return frozenset(
        key if key in known or key.startswith(PARTS) else _near(key, known)[0] for key in (*stated, *kept)
    ) - {""}


def _fields(case: _Case) -> tuple[str, ...]:
    return (*config_fields(case.kind, case.type), *secret_fields(case.kind, case.type))


def _unknown_kind(document: Document, kind: str) -> Diagnostic:
    if "kind" not in document.tree:
        hint = "begin the file with `kind: credential` or `kind: connection`"
        return fault("KT130", document.origin(), "the manifest does not say its kind", hint)
    message = "there is no such kind of manifest"
    return fault("KT130", document.origin(("kind",)), message, _near(kind, tuple(KINDS))[1])


def _extra(case: _Case, path: Path, error: _Error) -> Iterator[_Word]:
    rule: Schema = error.schema
    known = tuple(rule.get("properties", {}))
    patterns = [compile_pattern(pattern) for pattern in rule.get("patternProperties", {})]
    for key in error.instance:
        if key not in known and not any(pattern.search(key) for pattern in patterns):
            yield _unknown(case, (*path, key), tuple(name for name in known if name != "seal"))


def _unknown(case: _Case, path: Path, known: tuple[str, ...]) -> _Word:
    key = path[-1]
    origin = case.document.origin(path, key=True)
    if (refused := _refused(case, key)) is not None:
        return _theirs(case, path, refused)
    if (home := _home(case, path)) is not None and home != path[0]:
        is_secret = home == "secrets"
        code = "KT135" if is_secret else "KT136"
        cause = Cause.POSSIBLE_PLAINTEXT if is_secret else Cause.OTHER
        what = "a secret" if is_secret else "plain"
        message = f"{spoken(path)} is {what} and belongs under {home}"
        hint = _moving(home, path)
        return _Word(fault(code, origin, message, hint, cause=cause), explained=frozenset({key}))
    if case.kind == "connection" and secret_key(key):
        message = f"{spoken(path)} is named like a secret, and a connection holds none"
        hint = "put it under secrets of a credential, and name that in `credential:`"
        return _Word(fault("KT131", origin, message, hint, cause=Cause.POSSIBLE_PLAINTEXT))
    near, hint = _near(key, known)
    where = f" of type {case.type}" if len(path) > 1 and definition(case.kind, case.type) else ""
    message = f"{spoken(path)} is not a field of a {case.kind}{where}"
    finding = fault("KT131", origin, message, hint, cause=Cause.POSSIBLE_PLAINTEXT)
    return _Word(finding, explained=frozenset({near} if near else ()))


def _refused(case: _Case, key: str) -> str | None:
    secrets = definition(case.kind, case.type).get("properties", {}).get("secrets", {}).get("properties", {})
    field = secrets.get(key, {})
    return field["errorMessage"] if "not" in field else None


def _home(case: _Case, path: Path) -> str | None:
    key = path[-1]
    if len(path) > 2 or (len(path) == 2 and path[0] not in ("config", "secrets")):  # noqa: PLR2004
        return None
    if key in secret_fields(case.kind, case.type):
        return "secrets"
    return "config" if key in config_fields(case.kind, case.type) else None


def _moving(home: str, path: Path) -> str:
    if home == "secrets":
        return "move it there and encrypt it; a value that was committed in the open must be changed"
    return "move it there: review can only see what is plain" if path[0] == "secrets" else "move it there"


def _required(case: _Case, path: Path, error: _Error) -> Iterator[_Word]:
    for name in error.validator_value:
        if name not in error.instance:
            message = f"{spoken((*path, name))} is missing"
            origin = case.document.origin(path, key=True)
            yield _Word(fault("KT132", origin, message, f"add {name}"), frozenset({name}))


def _type(case: _Case, path: Path, error: _Error) -> Iterator[_Word]:
    wanted = error.validator_value
    form, hint = _FORMS.get(wanted if isinstance(wanted, str) else "", ("another type", ""))
    if error.instance is None:
        message = f"{spoken(path)} is null: it has no value"
        hint = f"give it a value ({form}), or remove it"
        yield _Word(fault("KT139", case.document.origin(path), message, hint, cause=Cause.EMPTY_VALUE))
        return
    hint = error.schema.get("errorMessage", hint)
    if wanted == "string" and isinstance(error.instance, Mapping | list):
        hint = "write it as one text; a text of several lines goes after | as a block"
    hidden = frozenset(_fields(case)) if path in (("config",), ("secrets",)) else frozenset()
    finding = fault("KT133", case.document.origin(path), f"{spoken(path)} must be {form}", hint)
    yield _Word(finding, explained=hidden)


def _choice(case: _Case, path: Path, error: _Error) -> Iterator[_Word]:
    allowed = [error.validator_value] if error.validator == "const" else list(error.validator_value)
    if path[:1] == ("keep",):
        message = f"keep names something that is no secret field of type {case.type}"
    else:
        message = f"{spoken(path)} is none of the values that it can have"
    near, hint = _near(str(error.instance), tuple(str(each) for each in allowed))
    yield _Word(fault("KT134", case.document.origin(path), message, hint), explained=frozenset({near}))


def _empty(case: _Case, path: Path, _: _Error) -> Iterator[_Word]:
    message = f"{spoken(path)} is empty"
    hint = "give it a value, or remove it"
    yield _Word(fault("KT139", case.document.origin(path), message, hint, cause=Cause.EMPTY_VALUE))


def _bounds(case: _Case, path: Path, error: _Error) -> Iterator[_Word]:
    word = "at least" if error.validator == "minimum" else "at most"
    message = f"{spoken(path)} must be {word} {error.validator_value}"
    yield _Word(fault("KT133", case.document.origin(path), message, _example(error)))


def _long(case: _Case, path: Path, error: _Error) -> Iterator[_Word]:
    message = f"{spoken(path)} is longer than {error.validator_value} characters"
    yield _Word(fault("KT133", case.document.origin(path), message, "shorten it"))


def _twice(case: _Case, path: Path, _: _Error) -> Iterator[_Word]:
    message = f"{spoken(path)} holds the same item twice"
    yield _Word(fault("KT133", case.document.origin(path), message, "remove one of the two"))


def _near(word: str, known: tuple[str, ...]) -> tuple[str, str]:
    if near := get_close_matches(word.lower(), known, n=1, cutoff=0.6):
        return near[0], f"did you mean {near[0]}?"
    if not known:
        return "", "remove it"
    more = ", …" if len(known) > _MANY else ""
    return "", f"known here: {', '.join(known[:_MANY])}{more}"


def _example(error: _Error) -> str:
    if error.validator == "required":
        return f"add {' and '.join(name for name in error.validator_value if name not in error.instance)}"
    examples = error.schema.get("examples") or [""]
    return f"for example: {examples[0]}" if isinstance(examples[0], str | int) and examples[0] != "" else ""


_BY_KEYWORD: Final[Mapping[str, Callable[[_Case, Path, _Error], Iterator[_Word]]]] = {
    "additionalProperties": _extra,
    "required": _required,
    "type": _type,
    "enum": _choice,
    "const": _choice,
    "anyOf": _choice,
    "minLength": _empty,
    "minItems": _empty,
    "minProperties": _empty,
    "minimum": _bounds,
    "maximum": _bounds,
    "maxLength": _long,
    "uniqueItems": _twice,
}
