"""The composition root: where flags, environment and project file become a run."""

import getpass
import os
import random
import secrets
import socket
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from keyturn import __version__
from keyturn.api.call import Tempo
from keyturn.api.client import Client, Settings
from keyturn.cli.apikey import api_key
from keyturn.cli.events import refuse_untrusted
from keyturn.cli.surroundings import environment
from keyturn.core.inputs import Consents
from keyturn.engine.planning import Wish
from keyturn.engine.run import Author, Run
from keyturn.ledger.clock import Clock
from keyturn.ledger.store import open_store
from keyturn.load.project import Workspace, find_root, read_project, read_project_at
from keyturn.load.revision import head


def open_run(folder: Path, workspace: str, config_from: str = "") -> Run:
    """Return the run for a workspace of the project around ``folder``; raises Faulty.

    ``config_from`` is a revision whose keyturn.yaml is used in place of the tree's.
    """
    surroundings = environment()
    refuse_untrusted(surroundings)
    root = find_root(folder)
    project = read_project_at(root, config_from, surroundings) if config_from else read_project(root)
    chosen = project.workspace(workspace)
    return Run(
        root=root,
        project=project,
        workspace=chosen,
        service=open_service(root, chosen, surroundings),
        store=open_store(chosen.ledger, root, surroundings),
        clock=clock(),
        sleep=time.sleep,
        fresh=lambda: secrets.token_hex(8),
        environment=surroundings,
        author=author(root, surroundings),
    )


def open_service(root: Path, workspace: Workspace, surroundings: Mapping[str, str]) -> Client:
    """Return the client for a workspace; raises Faulty where its key is missing or malformed."""
    key, source = api_key(root, workspace.api_key, surroundings)
    settings = Settings(base_url=workspace.base_url, key=key, source=source, rate=workspace.pace)
    tempo = Tempo(monotonic=time.monotonic, now=time.time, sleep=time.sleep, chance=random.random)
    client = Client.open(settings, tempo)
    ctx = click.get_current_context(silent=True)
    if ctx:
        ctx.call_on_close(client.close)
    return client


def open_service_of(folder: Path, workspace: str) -> Client:
    """Return the client for a workspace of the project around ``folder``, and read nothing else of it."""
    root = find_root(folder)
    return open_service(root, read_project(root).workspace(workspace), environment())


def clock() -> Clock:
    """Return the clocks of this machine; the monotonic one goes on while it sleeps."""
    return Clock(now=lambda: datetime.now(UTC), monotonic=lambda: time.clock_gettime(time.CLOCK_BOOTTIME))


def author(root: Path, surroundings: Mapping[str, str]) -> Author:
    """Return who runs this: the user, or the pipeline where the environment tells of one."""
    server, repository = surroundings.get("GITHUB_SERVER_URL", ""), surroundings.get("GITHUB_REPOSITORY", "")
    run = surroundings.get("GITHUB_RUN_ID", "")
    url = f"{server}/{repository}/actions/runs/{run}" if run else surroundings.get("CI_JOB_URL", "")
    who = surroundings.get("GITHUB_ACTOR") or surroundings.get("GITLAB_USER_LOGIN") or _user()
    return Author(
        who=who,
        host=socket.gethostname(),
        url=url,
        commit=head(root, surroundings),
        tool=f"keyturn {__version__}",
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


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
