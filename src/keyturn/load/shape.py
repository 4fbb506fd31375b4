"""A schema compiled to one question: does this fit? Findings are jsonschema's business.

Nearly every manifest is right, and importing and running jsonschema costs more than all the rest of
``validate``. So what this module accepts is done, and only what it does not accept is looked at
again for findings. A test holds the two to the same answer.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeAlias

Accept: TypeAlias = Callable[[Any], bool]
Schema: TypeAlias = Mapping[str, Any]

ANNOTATIONS: Final = frozenset(
    {
        "$schema",
        "$id",
        "$comment",
        "$defs",
        "title",
        "description",
        "examples",
        "default",
        "writeOnly",
        "errorMessage",
    },
)
"""Keywords that say something to a reader and nothing about what fits; so does each that begins ``x-``."""

_TYPES: Final[Mapping[str, Accept]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}
_DOLLAR: Final = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\$")


@cache
def expression(pattern: str) -> re.Pattern[str]:
    """Return a schema's pattern compiled: ``$`` is the very end, not also before a last newline."""
    return re.compile(_DOLLAR.sub(lambda found: r"\Z" if found[0] == "$" else found[0], pattern))


def compiled(schema: Schema) -> Accept:
    """Return the question whether a value fits ``schema``, whose references are all to its ``$defs``.

    Raises ValueError for a keyword that this module does not know: none is passed over.
    """
    return _Compiler(schema).schema(schema)


def same(one: Any, other: Any) -> bool:
    """Tell whether two scalars are one JSON value: ``true`` is not 1, and 1.0 is 1."""
    return isinstance(one, bool) is isinstance(other, bool) and one == other


class _Compiler:
    def __init__(self, root: Schema) -> None:
        self._definitions = root.get("$defs", {})
        self._known: dict[str, Accept] = {}

    def schema(self, schema: Any) -> Accept:
        if isinstance(schema, bool):
            return lambda _: schema
        parts = [part for keyword in schema if (part := self._part(keyword, schema)) is not None]
        return parts[0] if len(parts) == 1 else _all_of(parts)

    def _part(self, keyword: str, schema: Schema) -> Accept | None:
        if keyword in ANNOTATIONS or keyword.startswith("x-"):
            return None
        if (build := _KEYWORDS.get(keyword)) is None:
            message = f"a schema uses a keyword that is not compiled: {keyword}"
            raise ValueError(message)
        return build(self, schema)

    def reference(self, schema: Schema) -> Accept:
        name = schema["$ref"].removeprefix("#/$defs/")

        def accept(value: Any) -> bool:
            if name not in self._known:
                self._known[name] = self.schema(self._definitions[name])
            return self._known[name](value)

        return accept

    def typed(self, schema: Schema) -> Accept:
        wanted = schema["type"]
        if isinstance(wanted, str):
            return _TYPES[wanted]
        tests = [_TYPES[each] for each in wanted]
        return lambda value: any(test(value) for test in tests)

    def const(self, schema: Schema) -> Accept:
        wanted = schema["const"]
        return lambda value: same(value, wanted)

    def enum(self, schema: Schema) -> Accept:
        wanted = frozenset(schema["enum"])
        if not all(isinstance(each, str) for each in wanted):
            message = "an enum of a schema holds more than text"
            raise ValueError(message)
        return lambda value: isinstance(value, str) and value in wanted

    def pattern(self, schema: Schema) -> Accept:
        fits = expression(schema["pattern"]).search
        return lambda value: not isinstance(value, str) or fits(value) is not None

    def size(self, kind: type[str | list[Any] | dict[str, Any]], keyword: str, schema: Schema) -> Accept:
        bound = schema[keyword]
        if keyword.startswith("min"):
            return lambda value: not isinstance(value, kind) or len(value) >= bound
        return lambda value: not isinstance(value, kind) or len(value) <= bound

    def bound(self, keyword: str, schema: Schema) -> Accept:
        bound = schema[keyword]
        number = _TYPES["number"]
        if keyword == "minimum":
            return lambda value: not number(value) or value >= bound
        return lambda value: not number(value) or value <= bound

    def required(self, schema: Schema) -> Accept:
        wanted = schema["required"]
        return lambda value: not isinstance(value, dict) or all(key in value for key in wanted)

    def keys(self, schema: Schema) -> Accept:
        named = {key: self.schema(inner) for key, inner in schema.get("properties", {}).items()}
        shaped = [(expression(k), self.schema(v)) for k, v in schema.get("patternProperties", {}).items()]
        other = self.schema(schema.get("additionalProperties", True))

        def accept(value: Any) -> bool:
            if isinstance(value, dict):
                for key, item in value.items():
                    if not (fits(key, item) if shaped else named.get(key, other)(item)):
                        return False
            return True

        def fits(key: str, item: Any) -> bool:
            found = [inner for pattern, inner in shaped if pattern.search(key)]
            tests = [*found, *([named[key]] if key in named else [])]
            return all(inner(item) for inner in tests or [other])

        return accept

    def names(self, schema: Schema) -> Accept:
        test = self.schema(schema["propertyNames"])
        return lambda value: not isinstance(value, dict) or all(test(key) for key in value)

    def items(self, schema: Schema) -> Accept:
        test = self.schema(schema["items"])
        return lambda value: not isinstance(value, list) or all(test(item) for item in value)

    def contains(self, schema: Schema) -> Accept:
        test = self.schema(schema["contains"])
        return lambda value: not isinstance(value, list) or any(test(item) for item in value)

    def unique(self, _: Schema) -> Accept:
        return lambda value: not isinstance(value, list) or _distinct(value)

    def condition(self, schema: Schema) -> Accept:
        test = self.schema(schema["if"])
        yes, no = self.schema(schema.get("then", True)), self.schema(schema.get("else", True))
        return lambda value: yes(value) if test(value) else no(value)

    def every(self, schema: Schema) -> Accept:
        by_type: dict[str, list[Accept]] = {}
        rest = []
        for each in schema["allOf"]:
            names = _of_types(each)
            if names:
                for name in names:
                    by_type.setdefault(name, []).append(self.schema(each["then"]))
            else:
                rest.append(self.schema(each))
        whole = _all_of(rest)

        def accept(value: Any) -> bool:
            kind = value.get("type") if isinstance(value, dict) else None
            chosen = by_type.get(kind, ()) if isinstance(kind, str) else ()
            return whole(value) and all(test(value) for test in chosen)

        return accept

    def some(self, schema: Schema) -> Accept:
        tests = [self.schema(each) for each in schema["anyOf"]]
        return lambda value: any(test(value) for test in tests)

    def one(self, schema: Schema) -> Accept:
        tests = [self.schema(each) for each in schema["oneOf"]]
        return lambda value: sum(test(value) for test in tests) == 1

    def neither(self, schema: Schema) -> Accept:
        test = self.schema(schema["not"])
        return lambda value: not test(value)


def _all_of(tests: Sequence[Accept]) -> Accept:
    def accept(value: Any) -> bool:
        for test in tests:  # noqa: SIM110  # a generator in all() takes twice as long
            if not test(value):
                return False
        return True

    return accept


def _of_types(schema: Any) -> tuple[str, ...]:
    # Forty conditions, one for each connector, become one look into a table.
    if not isinstance(schema, dict) or schema.keys() != {"if", "then"}:
        return ()
    test = schema["if"]
    if test.keys() != {"properties", "required"} or test["required"] != ["type"]:
        return ()
    wanted = test["properties"].get("type", {})
    if test["properties"].keys() != {"type"} or len(wanted) != 1:
        return ()
    return tuple(wanted.get("enum", ())) or tuple(filter(None, [wanted.get("const")]))


def _distinct(items: list[Any]) -> bool:
    return not any(same(one, other) for at, one in enumerate(items) for other in items[:at])


def _sized(
    kind: type[str | list[Any] | dict[str, Any]], keyword: str
) -> Callable[[_Compiler, Schema], Accept]:
    return lambda compiler, schema: compiler.size(kind, keyword, schema)


_KEYWORDS: Final[Mapping[str, Callable[[_Compiler, Schema], Accept | None]]] = {
    "$ref": _Compiler.reference,
    "type": _Compiler.typed,
    "const": _Compiler.const,
    "enum": _Compiler.enum,
    "pattern": _Compiler.pattern,
    "minLength": _sized(str, "minLength"),
    "maxLength": _sized(str, "maxLength"),
    "minItems": _sized(list, "minItems"),
    "maxItems": _sized(list, "maxItems"),
    "minProperties": _sized(dict, "minProperties"),
    "maxProperties": _sized(dict, "maxProperties"),
    "minimum": lambda compiler, schema: compiler.bound("minimum", schema),
    "maximum": lambda compiler, schema: compiler.bound("maximum", schema),
    "required": _Compiler.required,
    "properties": _Compiler.keys,
    "patternProperties": lambda compiler, schema: None if "properties" in schema else compiler.keys(schema),
    "additionalProperties": lambda compiler, schema: (
        None if {"properties", "patternProperties"} & schema.keys() else compiler.keys(schema)
    ),
    "propertyNames": _Compiler.names,
    "items": _Compiler.items,
    "contains": _Compiler.contains,
    "uniqueItems": _Compiler.unique,
    "if": _Compiler.condition,
    "then": lambda _compiler, _schema: None,
    "else": lambda _compiler, _schema: None,
    "allOf": _Compiler.every,
    "anyOf": _Compiler.some,
    "oneOf": _Compiler.one,
    "not": _Compiler.neither,
}
