"""The reference: the generated pages match the code."""

import importlib.util
import re

import pytest

from keyturn.catalog import load_catalog
from keyturn.cli import exit_codes
from keyturn.cli.main import COMMAND_MODULES
from sources import ROOT

SPEC = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
generate = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(generate)
PAGES = generate.build_pages()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_pages_are_up_to_date(name):
    """The page in git equals the generated page."""
    assert (generate.TARGET / name).read_text("utf-8") == PAGES[name], "run: make docs"


def test_every_command_has_a_heading():
    """The page of commands covers each command and the emulator."""
    headings = re.findall(r"^## (.+)$", PAGES["commands.md"], re.MULTILINE)
    assert {f"keyturn {name}" for name in COMMAND_MODULES} <= set(headings)
    assert "planasonix-emulator" in headings


def test_every_code_has_a_heading():
    """The page of codes covers each code, in order."""
    assert re.findall(r"^### (KT\d{3}):", PAGES["codes.md"], re.MULTILINE) == list(load_catalog())


@pytest.mark.parametrize("page", ["README.md", "docs/how-to/recover.md", "docs/reference/exit-codes.md"])
def test_every_exit_code_is_explained(page):
    """The page lists each exit code and no other."""
    known = {str(value) for name, value in vars(exit_codes).items() if name.isupper()}
    text = (ROOT / page).read_text("utf-8")
    listed = set(re.findall(r"^(?:\| |## )(\d+)\b", text, re.MULTILINE))
    assert listed == known


def test_codes_in_pages_exist():
    """A page names only existing codes."""
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        text = re.sub(r"\bKT\d{3} to KT\d{3}\b", "", page.read_text("utf-8"))
        assert set(re.findall(r"\bKT\d{3}\b", text)) <= load_catalog().keys(), page
