"""A repository and a running emulator for each test of the command line."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from keys import AgeKey
from planasonix_emulator.running import Emulator
from workspace import Repository


@dataclass(frozen=True, slots=True)
class Office:
    """Where a user works: a repository in git's place, and the service it describes."""

    repo: Repository
    service: Emulator


@pytest.fixture
def office(tmp_path: Path, age_key: AgeKey, request: pytest.FixtureRequest) -> Iterator[Office]:
    """Return an office; settings of the emulator come from the test's parameter, if it has one."""
    options = getattr(request, "param", {})
    with Emulator.start(**options) as service:
        repo = Repository(tmp_path / "repo", age_key, service.base_url, service.organization)
        repo.key = service.key
        yield Office(repo, service)
