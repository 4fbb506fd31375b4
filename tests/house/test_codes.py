"""Codes: each that is used is explained, and each that is explained is used."""

import ast
import re

import pytest

from keyturn.catalog import find_code, load_catalog
from sources import ROOT, modules, tracked

CODE = re.compile(r"\bKT\d{3}\b")
RANGE = re.compile(r"\bKT\d{3} to KT\d{3}\b")
BOUNDS = {"KT299", "KT399"}
"""Ends of ranges, as code compares with them; none is the code of a finding."""


def used():
    """Return the codes that findings are made with, by the module that makes them."""
    found = {}
    for module in modules("keyturn"):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                found.setdefault(node.value, module.name)
    return {code: place for code, place in found.items() if code not in BOUNDS}


def test_used_codes_are_explained():
    """A finding's code has an entry."""
    assert {code: place for code, place in used().items() if code not in load_catalog()} == {}


def test_explained_codes_are_used():
    """An entry belongs to a finding that can occur."""
    assert sorted(load_catalog().keys() - used().keys()) == []


def test_codes_are_sorted():
    """The file has the codes in the order in which they are listed; TOML itself refuses a second entry."""
    assert list(load_catalog()) == sorted(load_catalog())


@pytest.mark.parametrize("code", load_catalog())
def test_entries_are_whole(code):
    """An entry says what it is, why it matters and how to end it."""
    entry = find_code(code)
    assert entry.title
    assert not entry.title.endswith(".")
    assert entry.why.endswith((".", "?", ")"))
    assert entry.fix


def test_texts_name_known_codes():
    """A code that stands in a document or a comment is one that there is."""
    places = [path for path in tracked() if path.suffix in {".md", ".py", ".yaml", ".yml", ".json"}]
    unknown = {
        f"{path.relative_to(ROOT)}: {code}"
        for path in places
        if "tests" not in path.relative_to(ROOT).parts
        for code in CODE.findall(RANGE.sub("", path.read_text(encoding="utf-8")))
        if code not in load_catalog() and code not in BOUNDS
    }
    assert unknown == set()
