"""The mirror: each module has its tests, and each file of tests its module."""

import ast

from sources import ROOT, modules

TESTS = ROOT / "tests"
FOLDERS = {"keyturn": TESTS, "planasonix_emulator": TESTS / "emulator"}
APART = {"bench", "canaries", "docs", "e2e", "examples", "faults", "fuzz", "golden", "house", "peers"}
"""Folders of tests that mirror no package."""

UNTESTED: frozenset[str] = frozenset()
"""Modules with code and without tests of their own, each with its reason beside it."""

WHOLE = frozenset({"catalog/test_catalog.py"})  # a package of one module
"""Files of tests that are about a package as a whole, each with its reason beside it."""


def expected(module):
    """Return the file in which the tests of a module stand."""
    package, *path, name = module.name.split(".")
    return FOLDERS[package].joinpath(*path, f"test_{name.strip('_')}.py")


def has_code(module):
    """Tell whether there is anything to test: a function, a method, anything but data."""
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(module.tree))


def test_every_module_has_tests():
    """Each module with code has one file of tests, in the same place below `tests`."""
    missing = {
        m.name
        for m in modules()
        if has_code(m) and not m.place.endswith("__init__.py") and not expected(m).exists()
    }
    assert missing == UNTESTED


def test_every_file_of_tests_has_a_module():
    """Each file of tests is about one module."""
    known = {expected(module) for module in modules() if not module.place.endswith("__init__.py")}
    found = {path for path in TESTS.rglob("test_*.py") if path.relative_to(TESTS).parts[0] not in APART}
    assert {path.relative_to(TESTS).as_posix() for path in found - known} == WHOLE


def test_exceptions_are_needed():
    """What is on a list of exceptions exists, and needs to be there."""
    names = {module.name for module in modules()}
    assert names >= UNTESTED
    assert all((TESTS / path).exists() for path in WHOLE)


def test_every_test_says_what_it_is_about():
    """Each test has a sentence."""
    silent = [
        f"{path.relative_to(TESTS)}:{node.name}"
        for path in sorted(TESTS.rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert silent == []
