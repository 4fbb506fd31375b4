"""The mirror: each module has its tests, and each file of tests its module."""

import ast

from sources import ROOT, list_modules

TESTS = ROOT / "tests"
FOLDERS = {"keyturn": TESTS, "planasonix_emulator": TESTS / "emulator"}
APART = {"bench", "canaries", "docs", "e2e", "examples", "faults", "fuzz", "golden", "house", "peers"}
"""Folders of tests that mirror no package."""

UNTESTED = frozenset({"keyturn.public"})  # imports only; tests/house/test_public.py checks them
"""Modules without tests of their own, each with its reason beside it."""


def is_test_of(path, module):
    """Return whether a file tests a module: `test_name.py` or `test_name_topic.py` in the mirrored folder."""
    package, *below = module.name.split(".")
    name = below[-1].strip("_") if below else ""
    folders = below if module.place.endswith("__init__.py") else below[:-1]
    fits = path.stem == f"test_{name}" or path.stem.startswith(f"test_{name}_")
    return fits and path.parent == FOLDERS[package].joinpath(*folders)


FILES = tuple(sorted(TESTS.rglob("test_*.py")))


def has_code(module):
    """Tell whether there is anything to test: a function, a method, anything but data."""
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(module.tree))


def test_every_module_has_tests():
    """Each module with code has a file of tests in the same place below `tests`."""
    missing = {
        module.name
        for module in list_modules()
        if has_code(module)
        and not module.place.endswith("__init__.py")
        and not any(is_test_of(path, module) for path in FILES)
    }
    assert missing <= UNTESTED


def test_every_file_of_tests_has_a_module():
    """Each file of tests is about one module, or about one package as a whole."""
    strange = [
        path.relative_to(TESTS).as_posix()
        for path in FILES
        if path.relative_to(TESTS).parts[0] not in APART
        and not any(is_test_of(path, module) for module in list_modules())
    ]
    assert strange == []


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
