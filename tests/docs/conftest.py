"""The option that writes the output of commands into the pages."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--rewrite-pages``."""
    parser.addoption(
        "--rewrite-pages", action="store_true", help="write the output of commands into the pages"
    )
