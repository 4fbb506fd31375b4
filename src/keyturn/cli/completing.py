"""What a shell completes: names of resources, workspaces, codes and schemas, read without any key.

Whatever goes wrong, nothing is offered and nothing is said: a shell that shows a stack trace on the
tab key is worse than one that offers nothing.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click

Complete = Callable[[click.Context, click.Parameter, str], list[str]]

_KIND = re.compile(rb"^kind:[ ]*[\"']?(credential|connection)\b", re.MULTILINE)
_HEAD = 4096
"""Bytes of a file in which its kind is looked for: it stands at the top."""


def _safely(found: Callable[[click.Context], Iterator[str]]) -> Complete:
    def complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
        from keyturn.core.diagnostic import Faulty

        try:
            return sorted({each for each in found(ctx) if each.startswith(incomplete)})
        except (Faulty, OSError, ValueError):
            return []

    return complete


def _manifests(ctx: click.Context) -> Iterator[tuple[str, str]]:
    from keyturn.load.project import open_project

    project = open_project(Path(ctx.params.get("folder") or "."))
    wanted = ctx.params.get("workspace")
    for name, workspace in project.workspaces.items():
        for folder in workspace.manifests if wanted in (None, "", name) else ():
            for path in (project.root / folder).rglob("*.y*ml"):
                yield _kind(path), path.stem


def _kind(path: Path) -> str:
    with path.open("rb") as file:
        kind = _KIND.search(file.read(_HEAD))
    return kind[1].decode() if kind else ""


def _of(*kinds: str) -> Complete:
    return _safely(lambda ctx: (name for kind, name in _manifests(ctx) if kind in kinds))


def _workspaces(ctx: click.Context) -> Iterator[str]:
    from keyturn.load.project import open_project

    yield from open_project(Path(ctx.params.get("folder") or ".")).workspaces


def _codes(_: click.Context) -> Iterator[str]:
    from keyturn.catalog import load_catalog

    yield from load_catalog()


def _schemas(_: click.Context) -> Iterator[str]:
    from keyturn.load.definitions import folder

    yield from (each.name.removesuffix(".schema.json") for each in folder().glob("*.schema.json"))


credentials = _of("credential")
connections = _of("connection")


def fields(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Offer the secret fields of the credential that was named: those that its manifest has, first."""
    from keyturn.core.diagnostic import Faulty

    try:
        found = dict.fromkeys(_fields(ctx))
    except (Faulty, OSError, ValueError):
        return []
    return [each for each in found if each.startswith(incomplete)]


def _fields(ctx: click.Context) -> Iterator[str]:
    from keyturn.engine.sealing import fields_of
    from keyturn.load.project import open_project

    yield from fields_of(open_project(Path(ctx.params.get("folder") or ".")), str(ctx.params.get("name")))


def classes(known: Callable[[], Iterable[str]]) -> Complete:
    """Offer the words of a list with commas: the last one is completed, none is offered twice."""

    def complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
        said, comma, begun = incomplete.rpartition(",")
        taken = said.split(",")
        return [f"{said}{comma}{each}" for each in known() if each.startswith(begun) and each not in taken]

    return complete


def _reviewed() -> Iterable[str]:
    from keyturn.core.usage import CLASSES

    return CLASSES


def _planned() -> Iterable[str]:
    from keyturn.cli.planner import CLASSES

    return CLASSES


reviewed = classes(_reviewed)
planned = classes(_planned)
kinds = classes(lambda: ("credential/", "connection/"))
names = _of("credential", "connection")
addresses = _safely(lambda ctx: (f"{kind}/{name}" for kind, name in _manifests(ctx) if kind))
workspaces = _safely(_workspaces)
codes = _safely(_codes)
schemas = _safely(_schemas)
