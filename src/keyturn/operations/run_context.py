"""The external dependencies of a run, passed as arguments so that tests can replace them."""

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
from keyturn.project.workspace_key import WorkspaceKey, verify_workspace
from keyturn.project.workspace_store import open_signed_store
from keyturn.state.stores.base import StateStore

_USER_VARIABLES = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "LOGNAME", "USER")


class Actor(Struct, frozen=True, kw_only=True):
    """Who runs keyturn, on which host and commit; written into the lock and the journal."""

    who: str
    host: str
    url: str = ""
    commit: str = ""
    tool: str = ""


class RunContext(Struct, frozen=True, kw_only=True):
    """The external dependencies of a run: files, service, state store, clock, random IDs.

    ``new_id`` returns a new random ID; ``sleep`` waits for a number of seconds and may raise
    WaitInterruptedError; ``progress`` receives progress events. Leaving a ``with`` statement closes the
    connections to the service.
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
    key: WorkspaceKey | None = None
    progress: ProgressListener = field(default_factory=ProgressListener)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the service."""
        self.service.close()


def open_run_context(
    folder: Path,
    workspace: str,
    environment: Mapping[str, str],
    config_from: str = "",
    sleep: Callable[[float], None] = time.sleep,
) -> RunContext:
    """Return the run for a workspace of the project that contains ``folder``; raises DiagnosticError.

    ``workspace`` may be empty if the project has one workspace. ``environment`` provides the API key
    and the decryption keys. ``config_from`` is a revision whose keyturn.yaml is used instead of the
    file in the working tree. ``sleep`` is used for every wait. Sends no request, and reads no API key
    before the settings are verified.
    """
    reject_untrusted_event(environment)
    project = (
        read_project_at(find_project_root(folder), config_from, environment)
        if config_from
        else open_project(folder)
    )
    selected = project.find_workspace(workspace)
    key = verify_workspace(project, selected, environment)
    return RunContext(
        root=project.root,
        project=project,
        workspace=selected,
        service=open_client(project, selected, environment, sleep),
        store=open_signed_store(project, selected, key, environment),
        clock=create_system_clock(),
        sleep=sleep,
        new_id=lambda: secrets.token_hex(8),
        environment=environment,
        actor=detect_actor(project.root, environment),
        key=key,
    )


def open_client(
    project: Project,
    workspace: Workspace,
    environment: Mapping[str, str],
    sleep: Callable[[float], None] = time.sleep,
) -> Client:
    """Return the client for a workspace; ``sleep`` waits for retries and for the rate limiter.

    Raises DiagnosticError if its API key is missing or malformed, or if the CI event is untrusted.
    """
    reject_untrusted_event(environment)
    key, source = read_api_key(project.root, workspace.api_key, environment)
    settings = ClientSettings(
        base_url=workspace.base_url, api_key=key, key_source=source, rate=workspace.pace
    )
    clock = ClientClock(monotonic=time.monotonic, now=time.time, sleep=sleep, random_fraction=random.random)
    return Client.open(settings, clock)


def create_system_clock() -> RunClock:
    """Return the clocks of this machine; the monotonic one advances while the machine sleeps."""
    return RunClock(now=lambda: datetime.now(UTC), monotonic=lambda: time.clock_gettime(time.CLOCK_BOOTTIME))


def detect_actor(root: Path, environment: Mapping[str, str]) -> Actor:
    """Return who runs keyturn: the CI job if the environment names one, otherwise the local user."""
    server, repository = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_REPOSITORY", "")
    run_id = environment.get("GITHUB_RUN_ID", "")
    url = f"{server}/{repository}/actions/runs/{run_id}" if run_id else environment.get("CI_JOB_URL", "")
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
