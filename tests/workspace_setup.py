"""A repository and a running emulator."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from age_keys import AgeKey
from cli_in_process import run_in_process
from planasonix_emulator.server import Emulator
from subprocess_runner import CommandResult
from workspace import Repository


@dataclass(frozen=True, slots=True)
class WorkspaceSetup:
    """A repository and the emulator that its workspace names."""

    repo: Repository
    service: Emulator

    def run(self, *arguments: str, **more: Any) -> CommandResult:
        """Run keyturn in the repository, within this process; see ``run_in_process``."""
        env = more.pop("env", None)
        return run_in_process(arguments, cwd=self.repo.root, env=env or self.repo.environment(), **more)

    def count_writes(self) -> int:
        """Return the number of write requests so far."""
        return max((each["write"] for each in self.service.list_requests()), default=0)

    def live(self, collection: str = "credentials") -> dict[str, dict[str, Any]]:
        """Return the active objects of a collection by name."""
        found = self.service.read_state()[collection]
        return {each["name"]: each for each in found if each.get("status") != "deleted"}


@pytest.fixture
def setup(tmp_path: Path, age_key: AgeKey, request: pytest.FixtureRequest) -> Iterator[WorkspaceSetup]:
    """Return a setup; an indirect parameter of the test holds options of the emulator."""
    options = getattr(request, "param", {})
    with Emulator.start(**options) as service:
        repo = Repository(tmp_path / "repo", age_key, service.base_url, service.organization)
        repo.key = service.key
        yield WorkspaceSetup(repo, service)


@pytest.fixture
def applied_setup(setup: WorkspaceSetup, canary: Callable[[], str]) -> WorkspaceSetup:
    """Return a setup with an applied credential and the connection that uses it."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    assert setup.run("apply", "--yes").code == 0
    return setup
