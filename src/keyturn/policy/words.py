"""Words: the texts of a manifest, names that mean the same, and how a field is called in a message."""

from collections.abc import Iterator

from keyturn.core.fields import Leaf, Path
from keyturn.policy.pattern import Pattern
from keyturn.policy.subject import Subject
from keyturn.policy.tokens import marked, random_looking

HOSTS = frozenset({"host", "hostname", "server", "serverhost"})
"""Names under which a server's host is stated."""

AI_TYPES = frozenset({"openai", "azureopenai", "anthropic", "googleai", "gemini", "vertexai", "airest"})
"""Connections to providers of AI models, folded."""


_PLAIN = Pattern(r"[A-Za-z][A-Za-z0-9_.-]{0,39}")
_SWITCH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


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
    """Return the name of the field at ``path`` for a message; one that may be a secret is not said."""
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
        return {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}.get(
            leaf.lower()
        )
    return None
