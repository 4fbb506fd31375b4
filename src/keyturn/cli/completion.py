"""Shell completion: names of resources, workspaces, codes and schemas, read without a key.

Every error results in no suggestions: a stack trace would corrupt the prompt.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click

Completer = Callable[[click.Context, click.Parameter, str], list[str]]

_KIND_PATTERN = re.compile(rb"^kind:[ ]*[\"']?(credential|connection)\b", re.MULTILINE)
_KIND_SEARCH_BYTES = 4096
"""Bytes at the start of a file that are searched for its kind."""


def _safe_completer(found: Callable[[click.Context], Iterator[str]]) -> Completer:
    def complete_sorted(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
        from keyturn.model.diagnostic import DiagnosticError

        try:
            return sorted({each for each in found(ctx) if each.startswith(incomplete)})
        except (DiagnosticError, OSError, ValueError):
            return []

    return complete_sorted


def _find_manifests(ctx: click.Context) -> Iterator[tuple[str, str]]:
    from keyturn.project.project import open_project

    project = open_project(Path(ctx.params.get("folder") or "."))
    chosen = ctx.params.get("workspace")
    for name, workspace in project.workspaces.items():
        for folder in workspace.manifests if chosen in (None, "", name) else ():
            for path in (project.root / folder).rglob("*.y*ml"):
                yield _read_kind(path), path.stem


def _read_kind(path: Path) -> str:
    with path.open("rb") as file:
        kind = _KIND_PATTERN.search(file.read(_KIND_SEARCH_BYTES))
    return kind[1].decode() if kind else ""


def _resource_completer(*kinds: str) -> Completer:
    return _safe_completer(lambda ctx: (name for kind, name in _find_manifests(ctx) if kind in kinds))


def _list_workspaces(ctx: click.Context) -> Iterator[str]:
    from keyturn.project.project import open_project

    yield from open_project(Path(ctx.params.get("folder") or ".")).workspaces


def _list_codes(_: click.Context) -> Iterator[str]:
    from keyturn.catalog import load_catalog

    yield from load_catalog()


def _list_schemas(_: click.Context) -> Iterator[str]:
    from keyturn.schema.definitions import find_schema_folder

    yield from (each.name.removesuffix(".schema.json") for each in find_schema_folder().glob("*.schema.json"))


complete_credentials = _resource_completer("credential")
complete_connections = _resource_completer("connection")


def complete_fields(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Suggest the secret fields of the named credential, those of its manifest first."""
    from keyturn.model.diagnostic import DiagnosticError

    try:
        found = dict.fromkeys(_list_fields(ctx))
    except (DiagnosticError, OSError, ValueError):
        return []
    return [each for each in found if each.startswith(incomplete)]


def _list_fields(ctx: click.Context) -> Iterator[str]:
    from keyturn.operations.secrets.set_secret import list_secret_fields
    from keyturn.project.project import find_workspace_at, open_project

    folder = Path(ctx.params.get("folder") or ".")
    project = open_project(folder)
    workspace = ctx.params.get("workspace") or find_workspace_at(project, folder)
    yield from list_secret_fields(project, str(ctx.params.get("name")), workspace)


def comma_list_completer(known: Callable[[], Iterable[str]]) -> Completer:
    """Complete the last word of a comma-separated list; suggest no word twice."""

    def complete_last(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
        listed, comma, prefix = incomplete.rpartition(",")
        taken = listed.split(",")
        return [f"{listed}{comma}{each}" for each in known() if each.startswith(prefix) and each not in taken]

    return complete_last


def _list_usage_classes() -> Iterable[str]:
    from keyturn.model.usage import USAGE_CLASSES

    return USAGE_CLASSES


def _list_plan_classes() -> Iterable[str]:
    from keyturn.cli.plan_output import PLAN_FAIL_ON_CLASSES

    return PLAN_FAIL_ON_CLASSES


complete_usage_classes = comma_list_completer(_list_usage_classes)
complete_plan_classes = comma_list_completer(_list_plan_classes)
complete_kinds = comma_list_completer(lambda: ("credential/", "connection/"))
complete_names = _resource_completer("credential", "connection")
complete_addresses = _safe_completer(
    lambda ctx: (f"{kind}/{name}" for kind, name in _find_manifests(ctx) if kind)
)
complete_workspaces = _safe_completer(_list_workspaces)
complete_codes = _safe_completer(_list_codes)
complete_schemas = _safe_completer(_list_schemas)


@click.command("completion")
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def completion_command(ctx: click.Context, /, shell: str) -> None:
    """Print the completion script of a shell.

    It completes commands, options and the names of resources, workspaces, fields and codes. Names come
    from the files of the project, without a key and without the network.

    \b
    Examples:
      keyturn completion bash >> ~/.bashrc
      keyturn completion zsh > "${fpath[1]}/_keyturn"
      keyturn completion fish > ~/.config/fish/completions/keyturn.fish
    """
    from keyturn.cli.errors import error_boundary

    with error_boundary(bool(ctx.obj)):
        from click.shell_completion import get_completion_class

        found = get_completion_class(shell)
        if found is None:
            raise click.UsageError(f"{shell} is not known")
        click.echo(found(ctx.find_root().command, {}, "keyturn", "_KEYTURN_COMPLETE").source().rstrip("\n"))
