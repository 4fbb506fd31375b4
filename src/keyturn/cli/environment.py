"""The environment of the process, and the colour and width of its streams."""

import os
from collections.abc import Mapping
from typing import Any

UNLIMITED_WIDTH = 10_000
"""Columns of a stream that is no terminal: its reader wraps the lines."""


def read_environment() -> Mapping[str, str]:
    """Return a copy of the environment."""
    return dict(os.environ)


def use_color(stream: Any, environment: Mapping[str, str]) -> bool:
    """Return whether a stream is coloured: NO_COLOR (https://no-color.org), FORCE_COLOR, else a terminal."""
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return bool(stream.isatty()) and environment.get("TERM") != "dumb"


def stream_width(stream: Any, environment: Mapping[str, str]) -> int:
    """Return the columns of a stream: those of the terminal, of COLUMNS, or UNLIMITED_WIDTH."""
    if stream.isatty() or environment.get("COLUMNS", "").isdigit():
        import shutil

        return shutil.get_terminal_size().columns
    return UNLIMITED_WIDTH
