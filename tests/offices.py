"""Where a user works: a repository, and a running emulator that it describes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from driving import drive
from keys import AgeKey
from planasonix_emulator.server import Emulator
from running import Ended
from workspace import Repository


@dataclass(frozen=True, slots=True)
class Office:
    """Where a user works: a repository in git's place, and the service it describes."""

    repo: Repository
    service: Emulator

    def here(self, *arguments: str, **more: Any) -> Ended:
        """Run keyturn in the repository, within this process; see ``drive``."""
        env = more.pop("env", None)
        return drive(arguments, cwd=self.repo.root, env=env or self.repo.environment(), **more)

    def writes(self) -> int:
        """Return how many requests so far were to change something."""
        return max((each["write"] for each in self.service.list_requests()), default=0)

    def live(self, collection: str = "credentials") -> dict[str, dict[str, Any]]:
        """Return the active objects of a collection by name."""
        found = self.service.read_state()[collection]
        return {each["name"]: each for each in found if each.get("status") != "deleted"}


@pytest.fixture
def office(tmp_path: Path, age_key: AgeKey, request: pytest.FixtureRequest) -> Iterator[Office]:
    """Return an office; settings of the emulator come from the test's parameter, if it has one."""
    options = getattr(request, "param", {})
    with Emulator.start(**options) as service:
        repo = Repository(tmp_path / "repo", age_key, service.base_url, service.organization)
        repo.key = service.key
        yield Office(repo, service)


@pytest.fixture
def settled(office: Office, canary: Callable[[], str]) -> Office:
    """Return an office with an applied credential and the connection that uses it."""
    office.repo.credential("prod-db", {"password": canary()})
    office.repo.connection("prod-pg", "prod-db")
    assert office.here("apply", "--yes").code == 0
    return office
