"""Frozen data: a dataclass that cannot change and has no room for more, compared by what it holds.

dataclasses writes the text of each method of each class and compiles it: 0.6 to 0.9 ms a class, and
a plan has 130 of them. Only ``__init__`` has to be written; to compare, to print and to refuse a
change is the same for all, and is here once. What is left takes a fifth of the time.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import Any, Never, TypeVar, dataclass_transform, overload

T = TypeVar("T")
Method = Callable[..., Any]


@overload
def frozen(cls: type[T], /) -> type[T]: ...


@overload
def frozen(*, kw_only: bool = ..., order: bool = ...) -> Callable[[type[T]], type[T]]: ...


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: Any = None, /, *, kw_only: bool = False, order: bool = False) -> Any:
    """Make a class frozen data; with ``kw_only`` it is made by names alone, with ``order`` it can be sorted.

    It is a dataclass to ``fields``, ``replace`` and type checkers, and raises FrozenInstanceError as one.
    Two are equal that are of one class and hold the same; fields with ``compare=False`` do not count.
    """

    def made(plain: type[Any]) -> type[Any]:
        if order:
            return dataclass(frozen=True, slots=True, kw_only=kw_only, order=True)(plain)
        whole = dataclass(slots=True, kw_only=kw_only, init=False, eq=False, repr=False)(plain)
        for name, method in _methods(whole).items():
            if name not in vars(plain):
                setattr(whole, name, method)
        return whole

    return made(cls) if cls else made


def _methods(cls: type[Any]) -> dict[str, Method]:
    every = fields(cls)
    shown = [each.name for each in every if each.repr]
    held = _getter([each.name for each in every if each.compare])

    def equal(self: Any, other: object) -> Any:
        return held(self) == held(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: Any) -> int:
        return hash(held(self))

    def printed(self: Any) -> str:
        inner = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{type(self).__qualname__}({inner})"

    def reduced(self: Any) -> tuple[Method, tuple[type[Any], dict[str, Any]]]:
        return _again, (type(self), {each.name: getattr(self, each.name) for each in every if each.init})

    return {
        "__init__": _initializer(cls, every),
        "__eq__": equal,
        "__hash__": hashed,
        "__repr__": printed,
        "__setattr__": _refuse,
        "__delattr__": _refuse,
        "__reduce__": reduced,
    }


def _again(cls: Callable[..., T], held: dict[str, Any]) -> T:
    return cls(**held)


def _getter(names: list[str]) -> Callable[[Any], Any]:
    return attrgetter(*names) if names else lambda _: ()


def _refuse(_: object, name: str, __: object = None) -> Never:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _initializer(cls: type[Any], every: Iterable[Field[Any]]) -> Method:
    known: dict[str, Any] = {"_set": object.__setattr__, "_unset": MISSING}
    plain, named, body = ["self"], ["*"], ["pass"]
    for each in every:
        if each.init:
            (named if each.kw_only else plain).append(each.name + _default(each, known))
        body += _setting(each, known)
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    words = ", ".join([*plain, *(named if len(named) > 1 else ())])
    exec(f"def __init__({words}):\n " + "\n ".join(body), known)  # noqa: S102  # as dataclasses does
    init: Method = known["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    init.__annotations__ = {each.name: each.type for each in every if each.init} | {"return": None}
    return init


def _default(each: Field[Any], known: dict[str, Any]) -> str:
    if each.default_factory is not MISSING:
        known[f"_make_{each.name}"] = each.default_factory
        return "=_unset"
    if each.default is MISSING:
        return ""
    known[f"_default_{each.name}"] = each.default
    return f"=_default_{each.name}"


def _setting(each: Field[Any], known: dict[str, Any]) -> Iterator[str]:
    name = each.name
    if not each.init and not _default(each, known):
        return
    value = name if each.init else f"_default_{name}"
    if each.default_factory is not MISSING:
        value = f"_make_{name}() if {name} is _unset else {name}" if each.init else f"_make_{name}()"
    yield f"_set(self, {name!r}, {value})"
