"""Frozen data: a dataclass that cannot change and has no room for more, compared by what it holds.

dataclasses writes the text of each method of each class and compiles it: 0.6 to 0.9 ms a class, and
a plan has 130 of them. To compare and to print is the same for all, so it is here once; what is
left to dataclasses, the making of instances, takes 0.3 to 0.5 ms.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from operator import attrgetter, eq, ge, gt, le, lt
from typing import Any, TypeVar, dataclass_transform, overload

T = TypeVar("T")

_ORDER = {"__lt__": lt, "__le__": le, "__gt__": gt, "__ge__": ge}


@overload
def frozen(cls: type[T], /) -> type[T]: ...


@overload
def frozen(*, kw_only: bool = ..., order: bool = ...) -> Callable[[type[T]], type[T]]: ...


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: Any = None, /, *, kw_only: bool = False, order: bool = False) -> Any:
    """Make a class frozen data; with ``kw_only`` it is made by names alone, with ``order`` it can be sorted.

    Two are equal that are of one class and hold the same; fields with ``compare=False`` do not count.
    """

    def made(plain: type[Any]) -> type[Any]:
        whole = dataclass(frozen=True, slots=True, kw_only=kw_only, eq=False, repr=False)(plain)
        for name, method in _methods(whole, order=order).items():
            if name not in vars(plain):
                setattr(whole, name, method)
        return whole

    return made(cls) if cls else made


def _methods(cls: type[Any], *, order: bool) -> dict[str, Callable[..., Any]]:
    compared = [each.name for each in fields(cls) if each.compare]
    shown = [each.name for each in fields(cls) if each.repr]
    held: Callable[[Any], Any] = attrgetter(*compared) if compared else lambda _: ()

    def hashed(self: Any) -> int:
        return hash(held(self))

    def printed(self: Any) -> str:
        inner = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{type(self).__qualname__}({inner})"

    def compared_by(relation: Callable[[Any, Any], Any]) -> Callable[..., Any]:
        def compare(self: Any, other: object) -> Any:
            same = other.__class__ is self.__class__
            return relation(held(self), held(other)) if same else NotImplemented

        return compare

    sorting = {name: compared_by(relation) for name, relation in _ORDER.items() if order}
    return {"__eq__": compared_by(eq), "__hash__": hashed, "__repr__": printed, **sorting}
