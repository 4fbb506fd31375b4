"""The flag that writes what commands answer into the pages that show them."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--rewrite-pages``."""
    parser.addoption("--rewrite-pages", action="store_true", help="write the answers of commands into pages")
