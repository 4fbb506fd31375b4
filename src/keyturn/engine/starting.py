"""The start of a run: project file and environment become the doors that everything else is handed."""

import os
import pwd
import random
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from keyturn import __version__
from keyturn.api.call import Tempo
from keyturn.api.client import Client, Settings
from keyturn.engine.run import Author, Run
from keyturn.ledger.clock import Clock
from keyturn.ledger.store import open_store
from keyturn.load.apikey import api_key
from keyturn.load.events import refuse_untrusted
from keyturn.load.project import Project, Workspace, find_root, open_project, read_project_at
from keyturn.load.revision import head

_USERS = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "LOGNAME", "USER")


def open_run(folder: Path, workspace: str, environment: Mapping[str, str], config_from: str = "") -> Run:
    """Return a run for a workspace of the project around ``folder``; raises Faulty.

    ``workspace`` may be empty where there is one alone. ``environment`` leads to the API key and to
    the decryption keys, as the command line's own does. ``config_from`` is a revision whose
    keyturn.yaml is used in place of the tree's. Nothing is asked of the service yet.
    """
    refuse_untrusted(environment)
    project = (
        read_project_at(find_root(folder), config_from, environment) if config_from else open_project(folder)
    )
    chosen = project.workspace(workspace)
    return Run(
        root=project.root,
        project=project,
        workspace=chosen,
        service=open_service(project, chosen, environment),
        store=open_store(chosen.ledger, project.root, environment),
        clock=clock(),
        sleep=time.sleep,
        fresh=lambda: secrets.token_hex(8),
        environment=environment,
        author=author(project.root, environment),
    )


def open_service(project: Project, workspace: Workspace, environment: Mapping[str, str]) -> Client:
    """Return the client for a workspace; raises Faulty where its key is missing or malformed."""
    key, source = api_key(project.root, workspace.api_key, environment)
    settings = Settings(base_url=workspace.base_url, key=key, source=source, rate=workspace.pace)
    tempo = Tempo(monotonic=time.monotonic, now=time.time, sleep=time.sleep, chance=random.random)
    return Client.open(settings, tempo)


def clock() -> Clock:
    """Return the clocks of this machine; the monotonic one goes on while it sleeps."""
    return Clock(now=lambda: datetime.now(UTC), monotonic=lambda: time.clock_gettime(time.CLOCK_BOOTTIME))


def author(root: Path, environment: Mapping[str, str]) -> Author:
    """Return who runs this: the user, or the pipeline where the environment tells of one."""
    server, repository = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_REPOSITORY", "")
    run = environment.get("GITHUB_RUN_ID", "")
    url = f"{server}/{repository}/actions/runs/{run}" if run else environment.get("CI_JOB_URL", "")
    return Author(
        who=next((environment[name] for name in _USERS if environment.get(name)), "") or _user(),
        host=os.uname().nodename,
        url=url,
        commit=head(root, environment),
        tool=f"keyturn {__version__}",
    )


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
