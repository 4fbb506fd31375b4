"""Where flags and this process' environment become what the engine works with."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click
from msgspec.structs import replace

from keyturn.api.client import Client
from keyturn.cli.progress import Progress
from keyturn.cli.surroundings import environment
from keyturn.core.inputs import Consents
from keyturn.engine import starting
from keyturn.engine.planning import Wish
from keyturn.engine.run import Run
from keyturn.load.project import open_project


def open_run(folder: Path, workspace: str, config_from: str = "") -> Run:
    """Return the run for a workspace of the project around ``folder``; raises Faulty.

    ``config_from`` is a revision whose keyturn.yaml is used in place of the tree's.
    """
    run = starting.open_run(folder, workspace, environment(), config_from)
    _closed_at_the_end(run.service)
    return run


def open_service(folder: Path, workspace: str) -> Client:
    """Return the client for a workspace of the project around ``folder``, and read nothing else of it."""
    project = open_project(folder)
    service = starting.open_service(project, project.workspace(workspace), environment())
    _closed_at_the_end(service)
    return service


@contextmanager
def watched(run: Run, phase: str, form: str = "text") -> Iterator[Run]:
    """Lend a run that tells its progress, beginning with ``phase``; ``form`` is how its result is drawn."""
    with Progress(form, phase) as progress:
        yield replace(run, watch=progress)


def _closed_at_the_end(service: Client) -> None:
    ctx = click.get_current_context(silent=True)
    if ctx:
        ctx.call_on_close(service.close)


def wish(options: Mapping[str, object]) -> Wish:
    """Return what the options of plan and apply ask for."""

    def names(key: str) -> frozenset[str]:
        found = options.get(key, ())
        return frozenset(found) if isinstance(found, tuple) else frozenset()

    def number(key: str) -> int:
        found = options.get(key, -1)
        return found if isinstance(found, int) else -1

    return Wish(
        targets=tuple(sorted(names("targets"))),
        reassert=names("reassert"),
        consents=Consents(
            destinations=names("allow_destination_change"),
            adopt=names("adopt"),
            reuse=names("allow_reuse"),
            restore=names("allow_restore"),
            retire=number("allow_retire"),
            rotate=number("allow_rotate"),
            empty=bool(options.get("allow_empty")),
        ),
    )
