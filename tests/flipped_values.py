"""Values that differ from a value in one place each, found by its type."""

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any, Literal, get_args, get_origin, get_type_hints

from msgspec import Struct
from msgspec.structs import replace


def flip(value: Any, hint: Any) -> Iterator[Any]:
    """Yield other values of the type ``hint``; raises TypeError for a type without a known other value."""
    if get_origin(hint) is Literal:
        yield next(each for each in get_args(hint) if each != value)
        return
    for kind, list_others in _FLIPS.items():
        if isinstance(value, kind):
            yield from list_others(value, hint)
            return
    message = f"no other value of {hint} is known"
    raise TypeError(message)


def _flip_struct(value: Struct, _: Any) -> Iterator[Any]:
    hints = get_type_hints(type(value))
    for name in value.__struct_fields__:
        for other in flip(getattr(value, name), hints[name]):
            yield replace(value, **{name: other})


def _flip_enum(value: Enum | None, hint: Any) -> Iterator[Any]:
    (form,) = [each for each in (hint, *get_args(hint)) if isinstance(each, type) and issubclass(each, Enum)]
    yield next(each for each in form if each is not value)


def _flip_mapping(value: Mapping[str, Any], _: Any) -> Iterator[Any]:
    yield {"another": "x"}
    for key, inner in value.items():
        yield {f"{key}x": inner}
        for other in flip(inner, type(inner)):
            yield {key: other}


def _flip_collection(value: tuple[Any, ...] | frozenset[Any], _: Any) -> Iterator[Any]:
    items, form = [*value], type(value)
    if all(isinstance(each, str) for each in items):
        yield form([*items, "x"])
    else:
        yield form(items[1:])
    for index, inner in enumerate(items):
        for other in flip(inner, type(inner)):
            yield form([*items[:index], other, *items[index + 1 :]])


_FLIPS: dict[Any, Callable[[Any, Any], Iterator[Any]]] = {
    Struct: _flip_struct,
    (Enum, type(None)): _flip_enum,
    bool: lambda value, _: iter([not value]),
    (int, float): lambda value, _: iter([value + 1]),
    str: lambda value, _: iter([value + "x"]),
    Mapping: _flip_mapping,
    (tuple, frozenset): _flip_collection,
}
