"""Words: names say what a thing is, in the words of the house."""

import ast
import re

from sources import modules

CALLED_BY_LIBRARIES = {"get_command", "get_extra_info"}
EMPTY_WORDS = {
    "util",
    "utils",
    "helper",
    "helpers",
    "common",
    "manager",
    "managers",
    "handler",
    "handlers",
    "misc",
}


def words(name):
    """Split a name into its words: `HttpHandler` and `http_handler` are both http, handler."""
    return {part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def test_no_empty_words():
    """No module, class or function is called a helper, a manager or the like."""
    found = [module.name for module in modules() if words(module.name.rpartition(".")[2]) & EMPTY_WORDS]
    for module in modules():
        found += [
            f"{module.name}.{node.name}"
            for node in ast.walk(module.tree)
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and words(node.name) & EMPTY_WORDS
        ]
    assert found == []


def test_functions_are_verbs_without_get():
    """No function begins with `get_`, but for those that a library calls by that name."""
    names = [
        f"{m.name}.{name}"
        for m in modules()
        for name, _ in m.functions
        if name.split(".")[-1].startswith("get_")
    ]
    assert [name for name in names if name.split(".")[-1] not in CALLED_BY_LIBRARIES] == []


def test_no_imports_for_types_alone():
    """There is no TYPE_CHECKING: an import that would make a cycle means that a layer is wrong."""
    assert [module.place for module in modules() if re.search(r"\bTYPE_CHECKING\b", module.text)] == []


def test_every_module_says_what_it_is():
    """A module begins with one line in the words of the house."""
    silent = [m.place for m in modules() if not (ast.get_docstring(m.tree) or "").splitlines()[:1]]
    assert silent == []


def test_private_functions_say_nothing():
    """A private function that needs a docstring needs another name."""
    found = [
        f"{module.place}:{node.lineno} {name}"
        for module in modules()
        for name, node in module.functions
        if module.layer != "keyturn.cli"  # click shows the docstring of a command, whatever its name
        if name.split(".")[-1].startswith("_") and not name.endswith("__") and ast.get_docstring(node)
    ]
    assert found == []


def test_words_are_told_apart():
    """Names are split as they are written."""
    assert words("HttpHandler") == words("http_handler") == {"http", "handler"}
    assert words("commonplace") == {"commonplace"}
