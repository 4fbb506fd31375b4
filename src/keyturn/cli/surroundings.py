"""What surrounds the command line: the environment, and whether a stream takes colour."""

import os
from collections.abc import Mapping
from typing import Any

WIDE = 10_000
"""Columns of a stream that is no terminal: whatever shows it later wraps it better."""


def environment() -> Mapping[str, str]:
    """Return the environment as a value, to be handed down."""
    return dict(os.environ)


def coloured(stream: Any, surroundings: Mapping[str, str]) -> bool:
    """Tell whether colours go to a stream: https://no-color.org, FORCE_COLOR, else a terminal not dumb."""
    if surroundings.get("NO_COLOR"):
        return False
    if surroundings.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return bool(stream.isatty()) and surroundings.get("TERM") != "dumb"


def width(stream: Any, surroundings: Mapping[str, str]) -> int:
    """Return the columns of a stream: the terminal's, those of COLUMNS, or as many as it likes."""
    if stream.isatty() or surroundings.get("COLUMNS", "").isdigit():
        import shutil

        return shutil.get_terminal_size().columns
    return WIDE
