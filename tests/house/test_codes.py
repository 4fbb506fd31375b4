"""Codes: each that is used is explained, and each that is explained is used."""

import ast
import re

import pytest

from diagnostic_calls import find_diagnostic_calls
from keyturn.catalog import find_code, load_catalog
from keyturn.model.diagnostic import Cause
from keyturn.policy.runner import RULES
from sources import ROOT, list_modules, list_tracked_files

CODE = re.compile(r"\bKT\d{3}\b")
RANGE = re.compile(r"\bKT\d{3} to KT\d{3}\b")
BOUNDS = {"KT399"}
"""Ends of ranges in messages; none is the code of a finding."""


def used():
    """Return the codes that findings are made with, by the module that makes them."""
    found = {}
    for module in list_modules("keyturn"):
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
    places = [
        path for path in list_tracked_files() if path.suffix in {".md", ".py", ".yaml", ".yml", ".json"}
    ]
    unknown = {
        f"{path.relative_to(ROOT)}: {code}"
        for path in places
        if "tests" not in path.relative_to(ROOT).parts
        for code in CODE.findall(RANGE.sub("", path.read_text(encoding="utf-8")))
        if code not in load_catalog() and code not in BOUNDS
    }
    assert unknown == set()


LITERAL = re.compile(r"KT\d*")
"""A code, or the beginning of one."""


def contains_code(node):
    """Return whether an expression contains a literal that is a code or the beginning of one."""
    return any(
        isinstance(each, ast.Constant) and isinstance(each.value, str) and LITERAL.fullmatch(each.value)
        for each in ast.walk(node)
    )


def code_constants(trees):
    """Return the names of constants whose values contain codes and no calls."""
    return {
        ast.unparse(target)
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and node.value is not None
        and contains_code(node.value)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    }


def decisions(tree, constants):
    """Yield the comparisons and ``startswith`` calls that look at a literal code."""
    for node in ast.walk(tree):
        sides = []
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in {
            "startswith",
            "match",
            "fullmatch",
        }:
            sides = node.args
        elif isinstance(node, ast.match_case):
            sides = [node.pattern]
        if any(contains_code(side) or ast.unparse(side).rpartition(".")[2] in constants for side in sides):
            yield node


def test_no_decision_looks_at_a_code():
    """What decides is the cause of a diagnostic; the code is for people."""
    trees = {module.place: module.tree for module in list_modules("keyturn")}
    constants = code_constants(trees.values())
    found = [
        f"{place}: {ast.unparse(node)}"
        for place, tree in trees.items()
        for node in decisions(tree, constants)
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "x = each.code == 'KT451'",
        "x = each.code in {'KT020', 'KT021'}",
        "_CODES = ('KT1', 'KT2')\nx = each.code not in _CODES",
        "x = each.code.startswith('KT25')",
        "_CODES = frozenset({'KT1'})\nx = each.code in module._CODES",
        "match each.code:\n    case 'KT451':\n        pass",
    ],
)
def test_a_decision_by_code_is_found(text):
    """Each form in which a decision could look at a code."""
    tree = ast.parse(text)
    assert list(decisions(tree, code_constants([tree])))


CAUSES = {
    Cause.POSSIBLE_PLAINTEXT: {
        "KT102", "KT131", "KT140", "KT201", "KT209", "KT210", "KT211", "KT213", "KT215", "KT216",
        "KT370", "KT371", "KT372", "KT373", "KT374", "KT375",
    },
    Cause.EMPTY_VALUE: {"KT139", "KT212", "KT255"},
    Cause.MERGE_CONFLICT: {"KT103"},
    Cause.TAMPERING: {"KT223", "KT251"},
    Cause.LONG_LIVED_KEY: {"KT330", "KT331", "KT332"},
    Cause.STATIC_DATABASE_LOGIN: {"KT333"},
    Cause.CONSENT_NEEDED: {"KT465"},
}  # fmt: skip
"""Codes whose cause is the same at every place that makes them."""


@pytest.mark.parametrize("cause", CAUSES)
def test_every_maker_states_the_cause(cause):
    """A diagnostic without its cause would be decided wrongly, without an error."""
    made = [
        (each.where, ast.unparse(each.parts["cause"]) if "cause" in each.parts else "")
        for each in find_diagnostic_calls()
        if isinstance(each.parts.get("code"), ast.Constant) and each.parts["code"].value in CAUSES[cause]
    ]
    rules = [(rule.code, str(rule.cause)) for rule in RULES if rule.code in CAUSES[cause]]
    assert made or rules
    assert {stated for _, stated in (*made, *rules)} == {str(cause)}, (made, rules)
