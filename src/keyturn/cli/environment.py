"""What surrounds the command line: the environment, and whether a stream takes colour."""

import os
from collections.abc import Mapping
from typing import Any

UNLIMITED_WIDTH = 10_000
"""Columns of a stream that is no terminal: whatever shows it later wraps it better."""


def read_environment() -> Mapping[str, str]:
    """Return the environment as a value, to be handed down."""
    return dict(os.environ)


def use_color(stream: Any, environment: Mapping[str, str]) -> bool:
    """Tell whether colours go to a stream: https://no-color.org, FORCE_COLOR, else a terminal not dumb."""
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return bool(stream.isatty()) and environment.get("TERM") != "dumb"


def stream_width(stream: Any, environment: Mapping[str, str]) -> int:
    """Return the columns of a stream: the terminal's, those of COLUMNS, or as many as it likes."""
    if stream.isatty() or environment.get("COLUMNS", "").isdigit():
        import shutil

        return shutil.get_terminal_size().columns
    return UNLIMITED_WIDTH
