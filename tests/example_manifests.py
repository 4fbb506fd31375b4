"""Valid manifests of every kind, from the examples."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from keyturn.yamldoc.reader import parse_document

ROOT = Path(__file__).parents[1]
PLAIN = ROOT / "examples" / "plain" / "manifests"


@cache
def read_examples() -> Mapping[str, str]:
    """Return the text of every example by name, with words in place of secrets."""
    texts = {path: path.read_text() for path in sorted(PLAIN.rglob("*.yaml"))}
    filled = {path: re.sub(r"\"?\{\{(\w+)\}\}\"?", r"word-\1", text) for path, text in texts.items()}
    return MappingProxyType({f"{path.parent.name}/{path.stem}": text for path, text in filled.items()})


def parse_example(name: str) -> dict[str, Any]:
    """Return a new tree of an example."""
    return dict(parse_document(read_examples()[name].encode(), f"{name}.yaml").tree)
