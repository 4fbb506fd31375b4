"""Secrets are opened only where a write may follow, and compared by fingerprints made here."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from keyturn.core.address import Address
from keyturn.core.diagnostic import Cause, Faulty, Severity
from keyturn.core.fields import Path
from keyturn.core.inputs import Inputs, touched
from keyturn.core.resource import Desired, Known
from keyturn.core.secret import Secret
from keyturn.engine.run import Run
from keyturn.ledger.fingerprint import derive, fingerprint
from keyturn.load.decrypt import Opener as Decrypt
from keyturn.load.decrypt import opener
from keyturn.load.desired import Loaded, load
from keyturn.load.repository_key import repository_key
from keyturn.load.unseal import accuse, unseal

PURPOSE = "secrets"
"""What the key that fingerprints secrets is derived for."""

_TAMPERING = frozenset({Cause.MAC_MISMATCH, Cause.TAMPERING})


class Opener(Struct, frozen=True):
    """Opens secrets and fingerprints them, with the repository's key read once and only when needed."""

    run: Run
    _key: list[bytes]

    @classmethod
    def of(cls, run: Run) -> "Opener":
        """Return an opener that has read nothing yet."""
        return cls(run, [])

    def decrypt(self) -> Decrypt:
        """Return what decrypts files with the keys that the environment leads to."""
        project = self.run.project
        return opener(self.run.environment, project.policy, project.decryptor)

    def load(self) -> Loaded:
        """Return the workspace's manifests, sealed; raises Faulty where any of them is wrong."""
        loaded = load(self.run.project, self.run.workspace)
        errors = [finding for finding in loaded.findings if finding.severity is Severity.ERROR]
        if not errors:
            return loaded
        accused = accuse(loaded.doubtful, self.run.project, self.run.environment) if loaded.doubtful else ()
        raise Faulty(*errors, *(each for each in accused if each.cause in _TAMPERING))

    def root_key(self) -> bytes:
        """Return the repository's key; raises Faulty where it cannot be opened."""
        if not self._key:
            self._key.append(repository_key(self.run.project, self.decrypt()))
        return self._key[0]

    def key(self) -> bytes:
        """Return the key that fingerprints secrets."""
        return derive(self.root_key(), PURPOSE)

    def open(self, inputs: Inputs, also: frozenset[Address] = frozenset()) -> Inputs:
        """Return the inputs with the secrets opened that may need a write, and their fingerprints.

        ``also`` names manifests to be opened whether or not anything of them moved.
        """
        chosen = {each.address: each for each in touched(inputs)}
        chosen |= {
            address: each for address, each in inputs.desired.items() if address in also and each.secrets
        }
        if not chosen:
            return inputs
        project = self.run.project
        opened = {
            each.address: each for each in unseal(tuple(chosen.values()), project, self.run.environment)
        }
        key = self.key()
        prints = {
            address: _prints(key, each, _holder(each, inputs.known)) for address, each in opened.items()
        }
        return replace(inputs, desired={**inputs.desired, **opened}, prints=prints)


def _holder(desired: Desired, known: Mapping[Address, Known]) -> Address:
    # A fingerprint is bound to the name: a resource that is being renamed is compared under its old one.
    former = Address(desired.address.kind, desired.lifecycle.moved_from or desired.address.name)
    return desired.address if desired.address in known or former not in known else former


def _prints(key: bytes, desired: Desired, holder: Address) -> Mapping[Path, str]:
    return {
        path: fingerprint(key, holder, path, value)
        for path, value in desired.secrets.items()
        if isinstance(value, Secret)
    }
