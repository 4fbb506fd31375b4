"""Words: field names compared as a reader would, whatever their spelling."""

import re
from collections.abc import Collection, Iterator
from functools import lru_cache

from keyturn.core.fields import Leaf, Path
from keyturn.policy.subject import Subject
from keyturn.policy.tokens import marked, random_looking

HOSTS = frozenset({"host", "hostname", "server", "serverhost"})
"""Names under which a server's host is stated."""

AI_TYPES = frozenset({"openai", "azureopenai", "anthropic", "googleai", "gemini", "vertexai", "airest"})
"""Connections to providers of AI models, folded."""


@lru_cache(maxsize=4096)
def fold(name: str) -> str:
    """Return ``name`` without case, dashes, dots, blanks and underscores: ``sslMode`` is ``ssl_mode``."""
    return name.translate(_SEPARATORS).lower()


_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}")
_SEPARATORS = {ord(mark): None for mark in "-_. "}


def named(subject: Subject, names: Collection[str]) -> Iterator[tuple[Path, Leaf]]:
    """Yield the plain fields of ``subject`` whose folded name is among ``names``.

    A field is named by its last key, or by its last two: ``tls: {mode: …}`` is ``tlsmode``.
    """
    for path, leaf in subject.config.items():
        last = fold(path[-1])
        if last in names or fold(path[-2]) + last in names:
            yield path, leaf


def texts(subject: Subject) -> Iterator[tuple[Path, str]]:
    """Yield every text among the plain fields and labels, those within lists by their number."""
    for path, leaf in subject.config.items():
        if isinstance(leaf, str):
            yield path, leaf
        elif isinstance(leaf, list | dict):
            yield from _within(path, leaf)
    for label, text in subject.labels.items():
        yield ("labels", label), text


def say(path: Path) -> str:
    """Return the name of the field at ``path`` for a message; a name that may itself be a secret is not said."""
    name = next((key for key in reversed(path) if not key.isdigit()), "")
    return name if _PLAIN.fullmatch(name) and not random_looking(name) and not marked(name) else "the field"


def _within(path: Path, branch: object) -> Iterator[tuple[Path, str]]:
    if isinstance(branch, str):
        yield path, branch
    elif isinstance(branch, list):
        for number, item in enumerate(branch):
            yield from _within((*path, str(number)), item)
    elif isinstance(branch, dict):
        for key, item in branch.items():
            yield from _within((*path, key), item)


def affirmed(leaf: Leaf) -> bool | None:
    """Return a switch's position, however it is written; None where it is none."""
    if isinstance(leaf, bool):
        return leaf
    if isinstance(leaf, str):
        return {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}.get(leaf.lower())
    return None
