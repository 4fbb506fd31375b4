"""Words: the texts of a manifest, names that mean the same, and how a field is called in a message."""

from collections.abc import Iterator

from keyturn.core.fields import Leaf, FieldPath
from keyturn.policy.pattern import LazyPattern
from keyturn.policy.subject import ResourceView
from keyturn.policy.tokens import has_known_prefix, looks_random

HOST_FIELDS = frozenset({"host", "hostname", "server", "serverhost"})
"""Names under which a server's host is stated."""

AI_TYPES = frozenset({"openai", "azureopenai", "anthropic", "googleai", "gemini", "vertexai", "airest"})
"""Connections to providers of AI models, folded."""


_SAFE_NAME = LazyPattern(r"[A-Za-z][A-Za-z0-9_.-]{0,39}")
_SWITCH_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def walk_texts(subject: ResourceView) -> Iterator[tuple[FieldPath, str]]:
    """Yield every text among the plain fields and labels, those within lists by their number."""
    for path, leaf in subject.config.items():
        if isinstance(leaf, str):
            yield path, leaf
        elif isinstance(leaf, list | dict):
            yield from _walk_nested_texts(path, leaf)
    for label, text in subject.labels.items():
        yield ("labels", label), text


def safe_field_name(path: FieldPath) -> str:
    """Return the name of the field at ``path`` for a message; one that may be a secret is not said."""
    name = next((key for key in reversed(path) if not key.isdigit()), "")
    return name if _SAFE_NAME.fullmatch(name) and not looks_random(name) and not has_known_prefix(name) else "the field"


def _walk_nested_texts(path: FieldPath, branch: object) -> Iterator[tuple[FieldPath, str]]:
    if isinstance(branch, str):
        yield path, branch
    elif isinstance(branch, list):
        for number, item in enumerate(branch):
            yield from _walk_nested_texts((*path, str(number)), item)
    elif isinstance(branch, dict):
        for key, item in branch.items():
            yield from _walk_nested_texts((*path, key), item)


def parse_switch(leaf: Leaf) -> bool | None:
    """Return a switch's position, however it is written; None where it is none."""
    if isinstance(leaf, bool):
        return leaf
    if isinstance(leaf, str):
        return {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}.get(
            leaf.lower()
        )
    return None
