"""Every call that creates a diagnostic, and the texts that it can have, followed through the source."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

from sources import Module, list_modules

POSITIONS = ("code", "place", "message", "hint")
"""The order of the arguments of the functions that create diagnostics."""

MAKERS = frozenset(
    {"error_diagnostic", "warning_diagnostic", "storage_error", "storage_warning", "add_error", "_diagnostic"}
)
"""Functions and methods that take the parts of a diagnostic in this order."""

PASSING = frozenset({"_reference_error", "_add", "_notify", "_add_error"})
"""Functions that only pass the parts of a diagnostic on, each within its own module."""

DEEPEST = 5


@dataclass(frozen=True, slots=True)
class DiagnosticCall:
    """A call that creates a diagnostic: its place, and its arguments by name."""

    module: Module
    function: ast.FunctionDef | None
    call: ast.Call
    parts: dict[str, ast.expr]

    @property
    def where(self) -> str:
        """The place, for the reader of a failed test."""
        return f"{self.module.place}:{self.call.lineno}"

    def words(self, part: str) -> tuple[str, ...]:
        """Return the texts that a part can have; ``{…}`` stands for a value known at run time only."""
        node = self.parts.get(part)
        return tuple(sorted(set(_said(node, self.module, self.function, 0)))) if node else ()


def find_diagnostic_calls() -> Iterator[DiagnosticCall]:
    """Yield every call of the package that creates a diagnostic."""
    for module in list_modules("keyturn"):
        for function, call in list_calls(module):
            # The arguments that a maker passes on are checked at the calls of the maker.
            if function is None or function.name not in MAKERS | PASSING:
                parts = _parts(call)
                if parts:
                    yield DiagnosticCall(module, function, call, parts)


@cache
def list_calls(module: Module) -> tuple[tuple[ast.FunctionDef | None, ast.Call], ...]:
    """Return the calls of a module, each with the function it stands in."""
    return tuple(_calls(module.tree, None))


def _calls(
    tree: ast.AST, function: ast.FunctionDef | None
) -> Iterator[tuple[ast.FunctionDef | None, ast.Call]]:
    for node in ast.iter_child_nodes(tree):
        inner = node if isinstance(node, ast.FunctionDef) else function
        if isinstance(node, ast.Call):
            yield function, node
        yield from _calls(node, inner)


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _parts(call: ast.Call) -> dict[str, ast.expr]:
    name = _name(call)
    named = {each.arg: each.value for each in call.keywords if each.arg}
    if name in {"Diagnostic", "Violation"}:
        return named if "message" in named else {}
    if name not in MAKERS or (len(call.args) < 3 and "message" not in named):
        return {}
    return _spread(call.args) | named


def _spread(args: list[ast.expr]) -> dict[str, ast.expr]:
    found: dict[str, ast.expr] = {}
    for at, node in enumerate(args):
        if isinstance(node, ast.Starred):
            for below, part in enumerate(POSITIONS[at:]):
                found[part] = ast.Subscript(value=node.value, slice=ast.Constant(below), ctx=ast.Load())
        elif at < len(POSITIONS):
            found[POSITIONS[at]] = node
    return found


def _said(node: ast.expr, module: Module, function: ast.FunctionDef | None, depth: int) -> Iterator[str]:
    below = (module, function, depth + 1)
    if depth > DEEPEST:
        yield "{…}"
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield from map("".join, product(*(tuple(_said(each, *below)) for each in node.values)))
    elif isinstance(node, ast.FormattedValue):
        yield from _inside(node.value, *below)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from map("".join, product(_said(node.left, *below), _said(node.right, *below)))
    elif isinstance(node, ast.IfExp | ast.BoolOp):
        for each in (node.body, node.orelse) if isinstance(node, ast.IfExp) else node.values:
            yield from _said(each, *below)
    else:
        yield from _followed(node, *below)


def _followed(node: ast.expr, module: Module, function: ast.FunctionDef | None, depth: int) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield from _named(node.id, module, function, depth)
    elif isinstance(node, ast.Subscript):
        yield from _picked(node, module, function, depth)
    elif isinstance(node, ast.Call):
        yield from _returned(node, None, module, function, depth)
    else:
        yield "{…}"


def _inside(node: ast.expr, module: Module, function: ast.FunctionDef | None, depth: int) -> Iterator[str]:
    # Only words of the source are put in place: everything else is what a run fills in.
    said = tuple(word for word in _said(node, module, function, depth) if word)
    yield from said if said and all("{…}" not in each for each in said) and len(said) < 9 else ("{…}",)


def _named(name: str, module: Module, function: ast.FunctionDef | None, depth: int) -> Iterator[str]:
    if function is not None:
        local = tuple(_assigned(function, name))
        if local:
            for value in local:
                yield from _said(value, module, function, depth)
            return
        names = [
            each.arg for each in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
        ]
        if name in names:
            yield from _handed(name, names, module, function, depth)
            return
    for home, value in _constants(module, name):
        yield from _said(value, home, None, depth)
        return
    yield "{…}"


def _assigned(tree: ast.AST, name: str) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                yield from _bound(target, node.value, name)


def _bound(target: ast.expr, value: ast.expr, name: str) -> Iterator[ast.expr]:
    if isinstance(target, ast.Name) and target.id == name:
        yield value
    elif isinstance(target, ast.Tuple):
        for at, each in enumerate(target.elts):
            if isinstance(each, ast.Name) and each.id == name:
                if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts):
                    yield value.elts[at]
                else:
                    yield ast.Subscript(value=value, slice=ast.Constant(at), ctx=ast.Load())


def _constants(module: Module, name: str) -> Iterator[tuple[Module, ast.expr]]:
    for node in module.tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                for value in _bound(target, node.value, name):
                    yield module, value
    home = _homes(module).get(name)
    if home is not None and home is not module:
        yield from _constants(home, name)


def _handed(
    name: str, names: list[str], module: Module, function: ast.FunctionDef, depth: int
) -> Iterator[str]:
    at = names.index(name) - (1 if names[:1] == ["self"] else 0)
    found = False
    for caller, call in list_calls(module):
        if _name(call) == function.name and caller is not function:
            given = {each.arg: each.value for each in call.keywords}.get(name)
            if given is None:
                given = _positional(call.args, at)
            if given is not None:
                found = True
                yield from _said(given, module, caller, depth)
    if not found:
        yield "{…}"


def _positional(args: list[ast.expr], at: int) -> ast.expr | None:
    for place, node in enumerate(args):
        if isinstance(node, ast.Starred):
            return ast.Subscript(value=node.value, slice=ast.Constant(at - place), ctx=ast.Load())
        if place == at:
            return node
    return None


def _picked(
    node: ast.Subscript, module: Module, function: ast.FunctionDef | None, depth: int
) -> Iterator[str]:
    at = node.slice.value if isinstance(node.slice, ast.Constant) else None
    if isinstance(node.value, ast.Call):
        yield from _returned(node.value, at if isinstance(at, int) else None, module, function, depth)
        return
    if isinstance(node.value, ast.Name):
        places = tuple(_constants(module, node.value.id))
        if function is not None:
            places += tuple((module, each) for each in _assigned(function, node.value.id))
        for home, value in places:
            if isinstance(value, ast.Tuple) and isinstance(at, int) and at < len(value.elts):
                yield from _said(value.elts[at], home, function, depth)
            elif isinstance(value, ast.Dict):
                for each in value.values:
                    yield from _said(each, home, function, depth)
            else:
                yield "{…}"
        if places:
            return
    yield "{…}"


def _returned(
    call: ast.Call, at: int | None, module: Module, function: ast.FunctionDef | None, depth: int
) -> Iterator[str]:
    del function
    name = _name(call)
    home = module if name in _functions(module) else _homes(module).get(name)
    below = _functions(home).get(name) if home else None
    if home is None or below is None:
        yield "{…}"
        return
    for node in ast.walk(below):
        if isinstance(node, ast.Return) and node.value is not None:
            yield from _part(node.value, at, home, below, depth)


def _part(
    value: ast.expr, at: int | None, module: Module, function: ast.FunctionDef, depth: int
) -> Iterator[str]:
    if at is None:
        yield from _said(value, module, function, depth)
    elif isinstance(value, ast.IfExp):
        yield from _part(value.body, at, module, function, depth)
        yield from _part(value.orelse, at, module, function, depth)
    elif isinstance(value, ast.Tuple) and at < len(value.elts):
        yield from _said(value.elts[at], module, function, depth)
    elif isinstance(value, ast.Call) and depth < DEEPEST:
        yield from _returned(value, at, module, function, depth + 1)
    else:
        yield "{…}"


@cache
def _homes(module: Module) -> dict[str, Module]:
    names = {home.name: home for home in list_modules("keyturn")}
    return {
        alias.asname or alias.name: names[node.module]
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.module in names
        for alias in node.names
    }


@cache
def _functions(module: Module) -> dict[str, ast.FunctionDef]:
    return {
        path.rpartition(".")[2]: node for path, node in module.functions if isinstance(node, ast.FunctionDef)
    }
