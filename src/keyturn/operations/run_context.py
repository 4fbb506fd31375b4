"""What a run works with: handed in once, and never looked up elsewhere."""

import os
import pwd
import random
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from msgspec import Struct, field

from keyturn import __version__
from keyturn.client.client import Client, ClientSettings
from keyturn.client.messages import ClientClock
from keyturn.git.revision import resolve_head
from keyturn.model.clock import RunClock
from keyturn.operations.progress import ProgressListener
from keyturn.project.ci_events import reject_untrusted_event
from keyturn.project.keys import read_api_key
from keyturn.project.project import Project, Workspace, find_project_root, open_project, read_project_at
from keyturn.state.stores import open_store
from keyturn.state.stores.base import StateStore


class Actor(Struct, frozen=True, kw_only=True):
    """Who runs this, where, and of which commit: for the lock and the journal."""

    who: str
    host: str
    url: str = ""
    commit: str = ""
    tool: str = ""


class RunContext(Struct, frozen=True, kw_only=True):
    """The doors of a run: files, service, state, clock, chance.

    ``fresh`` gives a new random id at each call; ``sleep`` waits for seconds; ``watch`` hears
    what a plan is at. A ``with`` statement closes its connections to the service.
    """

    root: Path
    project: Project
    workspace: Workspace
    service: Client
    store: StateStore
    clock: RunClock
    sleep: Callable[[float], None]
    new_id: Callable[[], str]
    environment: Mapping[str, str]
    actor: Actor
    progress: ProgressListener = field(default_factory=ProgressListener)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the service."""
        self.service.close()


_USER_VARIABLES = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "LOGNAME", "USER")


def open_run_context(
    folder: Path, workspace: str, environment: Mapping[str, str], config_from: str = ""
) -> RunContext:
    """Return a run for a workspace of the project around ``folder``; raises Faulty.

    ``workspace`` may be empty where there is one alone. ``environment`` leads to the API key and to
    the decryption keys, as the command line's own does. ``config_from`` is a revision whose
    keyturn.yaml is used in place of the tree's. Nothing is asked of the service yet.
    """
    reject_untrusted_event(environment)
    project = (
        read_project_at(find_project_root(folder), config_from, environment)
        if config_from
        else open_project(folder)
    )
    chosen = project.find_workspace(workspace)
    return RunContext(
        root=project.root,
        project=project,
        workspace=chosen,
        service=open_client(project, chosen, environment),
        store=open_store(chosen.state_url, project.root, environment),
        clock=create_system_clock(),
        sleep=time.sleep,
        new_id=lambda: secrets.token_hex(8),
        environment=environment,
        actor=detect_actor(project.root, environment),
    )


def open_client(project: Project, workspace: Workspace, environment: Mapping[str, str]) -> Client:
    """Return the client for a workspace; raises Faulty where its key is missing or malformed."""
    key, source = read_api_key(project.root, workspace.api_key, environment)
    settings = ClientSettings(
        base_url=workspace.base_url, api_key=key, key_source=source, rate=workspace.pace
    )
    tempo = ClientClock(
        monotonic=time.monotonic, now=time.time, sleep=time.sleep, random_fraction=random.random
    )
    return Client.open(settings, tempo)


def create_system_clock() -> RunClock:
    """Return the clocks of this machine; the monotonic one goes on while it sleeps."""
    return RunClock(now=lambda: datetime.now(UTC), monotonic=lambda: time.clock_gettime(time.CLOCK_BOOTTIME))


def detect_actor(root: Path, environment: Mapping[str, str]) -> Actor:
    """Return who runs this: the user, or the pipeline where the environment tells of one."""
    server, repository = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_REPOSITORY", "")
    run = environment.get("GITHUB_RUN_ID", "")
    url = f"{server}/{repository}/actions/runs/{run}" if run else environment.get("CI_JOB_URL", "")
    return Actor(
        who=next((environment[name] for name in _USER_VARIABLES if environment.get(name)), "")
        or _find_user_name(),
        host=os.uname().nodename,
        url=url,
        commit=resolve_head(root, environment),
        tool=f"keyturn {__version__}",
    )


def _find_user_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
