"""The sources of the project, parsed once: what the tests of the house look at."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
OURS = ("keyturn", "planasonix_emulator")


@dataclass(frozen=True, slots=True)
class Module:
    """A module: its place below ``src`` and its syntax tree."""

    place: str
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """The dotted name by which it is imported."""
        return self.place.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def layer(self) -> str:
        """Its layer, such as ``keyturn.model``; of what stands above the layers, the module itself."""
        return ".".join(self.name.split(".")[:2])

    @property
    def functions(self) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
        """Every function by its qualified name, methods and inner functions included."""
        return _functions(self.tree, ())


def _functions(
    tree: ast.AST, outer: tuple[str, ...]
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in ast.iter_child_nodes(tree):
        named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        path = (*outer, node.name) if named else outer
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield ".".join(path), node
        yield from _functions(node, path)


@cache
def list_modules(package: str = "") -> tuple[Module, ...]:
    """Return the modules of both packages, or of one, or of one layer: ``keyturn/core``."""
    folders = [SRC / package] if package else [SRC / name for name in OURS]
    paths = sorted(path for folder in folders for path in folder.rglob("*.py"))
    texts = ((path.relative_to(SRC).as_posix(), path.read_text(encoding="utf-8")) for path in paths)
    return tuple(Module(place, text, ast.parse(text)) for place, text in texts)


@cache
def list_tracked_files() -> tuple[Path, ...]:
    """Return the files that git holds, or would hold after ``git add --all``."""
    words = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = (ROOT / name for name in sorted(set(listed.split("\0"))) if name)
    return tuple(path for path in paths if path.is_file() and not path.is_symlink())


def list_imports(module: Module) -> Iterator[str]:
    """Yield the dotted name of everything that a module imports, from wherever in it."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module or ''}.{alias.name}" for alias in node.names)


def format_dotted_name(node: ast.AST) -> str:
    """Return the source of a name or a chain of attributes: ``os.environ.get``; else nothing."""
    if isinstance(node, ast.Attribute):
        owner = format_dotted_name(node.value)
        return f"{owner}.{node.attr}" if owner else ""
    return node.id if isinstance(node, ast.Name) else ""
