"""The reference: what is written from code is what the code says now."""

import importlib.util
import re

import pytest

from keyturn.catalog import load_catalog
from keyturn.cli import errors
from keyturn.cli.main import COMMAND_MODULES
from sources import ROOT

SPEC = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
generate = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(generate)
PAGES = generate.pages()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_pages_are_up_to_date(name):
    """The page in git is the one that would be written."""
    assert (generate.TARGET / name).read_text("utf-8") == PAGES[name], "run: make docs"


def test_every_command_is_there():
    """Each command has a heading."""
    headings = re.findall(r"^## (.+)$", PAGES["commands.md"], re.MULTILINE)
    assert {f"keyturn {name}" for name in COMMAND_MODULES} <= set(headings)
    assert "planasonix-emulator" in headings


def test_every_code_is_there():
    """Each code has a heading, in the order of the codes."""
    assert re.findall(r"^### (KT\d{3}):", PAGES["codes.md"], re.MULTILINE) == list(load_catalog())


@pytest.mark.parametrize("page", ["README.md", "docs/how-to/recover.md", "docs/reference/exit-codes.md"])
def test_every_exit_code_is_explained(page):
    """No exit code is left out, and none is invented."""
    known = {str(value) for name, value in vars(errors).items() if name.isupper()}
    text = (ROOT / page).read_text("utf-8")
    told = set(re.findall(r"^(?:\| |## )(\d+)\b", text, re.MULTILINE))
    assert told == known


def test_codes_in_pages_exist():
    """A page speaks of no code that there is not."""
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        text = re.sub(r"\bKT\d{3} to KT\d{3}\b", "", page.read_text("utf-8"))
        assert set(re.findall(r"\bKT\d{3}\b", text)) <= load_catalog().keys(), page
