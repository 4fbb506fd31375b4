"""Names: functions are verb and noun, classes are noun phrases, and a public name stands in one module."""

import ast
import re
import statistics
from collections import Counter, defaultdict
from pathlib import PurePosixPath

import pytest

from sources import list_modules

PACKAGES = ("keyturn", "planasonix_emulator")
MOST_SHORT_FUNCTIONS, FEWEST_WORDS, MOST_SHORT_CLASSES, MOST_DOUBLED = 0.20, 2.0, 0.40, 0.01
"""Shares of one-word names, words of a function name, and share of public names in two modules."""

MOST_MODULES = {"keyturn/cli/commands": 19}
"""Folders that may hold more than 15 modules: one file for each command."""

CALLED_BY_LIBRARIES = {"get_command", "get_extra_info"}
EMPTY_WORDS = {"util", "utils", "helper", "helpers", "misc"}
STANDARD_EXCEPTIONS = {
    "ApplyStopped", "DependencyCycle", "ExitWith", "InvalidResponse", "LockHeld", "NotFound", "NotSent",
    "ObjectNotFound", "OutcomeUnknown", "PreconditionFailed", "RequestRejected", "SecretRejected",
    "StaleObject", "Conflict", "IncompleteResponse", "Throttled", "Unauthorized", "Withheld",
}  # fmt: skip
"""Exceptions whose names are terms of HTTP, databases or apply; every other one ends in Error."""


def words(name):
    """Split a name into its words: `HttpHandler` and `http_handler` are both http, handler."""
    return [
        part for part in re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name.strip("_")).lower().split("_") if part
    ]


def share_of_one_word(names):
    """Return the share of names that are one word."""
    return sum(len(words(name)) == 1 for name in names) / len(names)


def functions(package):
    """Return the names of all functions of a package, those that Python calls excepted."""
    names = [path.rpartition(".")[2] for module in list_modules(package) for path, _ in module.functions]
    return [name for name in names if not name.startswith("__")]


def classes(package):
    """Return the names of all classes of a package."""
    return [
        n.name
        for module in list_modules(package)
        for n in ast.walk(module.tree)
        if isinstance(n, ast.ClassDef)
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_functions_are_verb_and_noun(package):
    """Few functions have a name of one word, and the mean name has two."""
    names = functions(package)
    assert share_of_one_word(names) <= MOST_SHORT_FUNCTIONS
    assert statistics.mean(len(words(name)) for name in names) >= FEWEST_WORDS


@pytest.mark.parametrize("package", PACKAGES)
def test_classes_are_noun_phrases(package):
    """Few classes have a name of one word."""
    assert share_of_one_word(classes(package)) <= MOST_SHORT_CLASSES


@pytest.mark.parametrize("package", PACKAGES)
def test_a_public_name_stands_in_one_module(package):
    """A name that a reader searches for has one definition."""
    homes = defaultdict(set)
    for module in list_modules(package):
        for node in module.tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name.lower()].add(module.place)
    doubled = {name: places for name, places in homes.items() if len(places) > 1}
    assert len(doubled) / len(homes) <= MOST_DOUBLED, doubled


def test_folders_are_small():
    """A folder holds at most 15 modules."""
    counts = Counter(
        str(PurePosixPath(module.place).parent)
        for module in list_modules()
        if not module.place.endswith("__init__.py")
    )
    assert {folder: n for folder, n in counts.items() if n > MOST_MODULES.get(folder, 15)} == {}


def test_exceptions_are_errors_or_standard_terms():
    """An exception ends in Error, unless its name is a standard term of the list."""
    bases = {"Exception", "BaseException", "ValueError", "RuntimeError", "OSError"}
    found = set()
    for _ in range(5):  # subclasses of subclasses
        for module in list_modules():
            for node in ast.walk(module.tree):
                if isinstance(node, ast.ClassDef) and {ast.unparse(base) for base in node.bases} & (
                    bases | found
                ):
                    found.add(node.name)
    assert {name.strip("_") for name in found if not name.endswith("Error")} == STANDARD_EXCEPTIONS


def test_no_empty_words():
    """No module, class or function is called a helper or the like."""
    found = [
        module.name for module in list_modules() if set(words(module.name.rpartition(".")[2])) & EMPTY_WORDS
    ]
    found += [name for package in PACKAGES for name in functions(package) if set(words(name)) & EMPTY_WORDS]
    found += [name for package in PACKAGES for name in classes(package) if set(words(name)) & EMPTY_WORDS]
    assert found == []


def test_functions_are_verbs_without_get():
    """No function begins with `get_`, except those that a library calls by that name."""
    names = {name for package in PACKAGES for name in functions(package) if name.startswith("get_")}
    assert names <= CALLED_BY_LIBRARIES


def test_no_imports_for_types_alone():
    """There is no TYPE_CHECKING: an import that would make a cycle means that a layer is wrong."""
    assert [module.place for module in list_modules() if re.search(r"\bTYPE_CHECKING\b", module.text)] == []


def test_every_module_has_a_docstring():
    """A module begins with one line that says what it is."""
    assert [m.place for m in list_modules() if not (ast.get_docstring(m.tree) or "").splitlines()[:1]] == []


def test_private_functions_have_no_docstring():
    """A private function that needs a docstring needs another name."""
    found = [
        f"{module.place}:{node.lineno} {name}"
        for module in list_modules()
        for name, node in module.functions
        if module.layer != "keyturn.cli"  # click shows the docstring of a command, whatever its name
        if name.split(".")[-1].startswith("_") and not name.endswith("__") and ast.get_docstring(node)
    ]
    assert found == []


def test_names_are_split_into_words():
    """The measure splits names as they are written."""
    assert words("HttpHandler") == words("http_handler") == ["http", "handler"]
    assert words("_load") == ["load"]
    assert share_of_one_word(["load", "load_all"]) == 0.5
