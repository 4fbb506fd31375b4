"""Codes: each that is used is explained, and each that is explained is used."""

import ast
import re

import pytest

from keyturn.core.codes import CODES
from sources import ROOT, modules, tracked

CODE = re.compile(r"\bKT\d{3}\b")
RANGE = re.compile(r"\bKT\d{3} to KT\d{3}\b")
BOUNDS = {"KT299", "KT399"}
"""Ends of ranges, as code compares with them; none is the code of a finding."""


def used():
    """Return the codes that findings are made with, by the module that makes them."""
    found = {}
    for module in modules("keyturn"):
        if not module.name.startswith("keyturn.core.codes"):
            for node in ast.walk(module.tree):
                if (
                    isinstance(node, ast.Constant)
                    and isinstance(node.value, str)
                    and CODE.fullmatch(node.value)
                ):
                    found.setdefault(node.value, module.name)
    return {code: place for code, place in found.items() if code not in BOUNDS}


def test_used_codes_are_explained():
    """A finding's code has an entry."""
    assert {code: place for code, place in used().items() if code not in CODES} == {}


def test_explained_codes_are_used():
    """An entry belongs to a finding that can occur."""
    assert sorted(CODES.keys() - used().keys()) == []


def test_codes_are_told_once():
    """No code has two entries: the merged table is as long as its parts."""
    tables = [m for m in modules("keyturn/core/codes") if re.fullmatch(r"kt\d+", m.name.rpartition(".")[2])]
    keys = [
        node.value
        for module in tables
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value)
    ]
    assert sorted(set(keys)) == sorted(CODES)
    assert len(keys) == len(CODES)


@pytest.mark.parametrize("code", CODES)
def test_entries_are_whole(code):
    """An entry says what it is, why it matters and how to end it."""
    entry = CODES[code]
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
        if code not in CODES and code not in BOUNDS
    }
    assert unknown == set()
