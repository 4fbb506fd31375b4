"""A package's surface: names that are promised, each imported from its module when it is asked for."""

from collections.abc import Callable, Mapping
from importlib import import_module


def surface(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and ``__dir__`` (PEP 562) of a package that offers these names.

    ``homes`` says in which module each name lives. Nothing is imported before it is asked for, so
    that a command that needs one name waits for that one alone.
    """

    def find(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    return find, lambda: sorted(homes)
