"""Secrets are opened only where a write may follow, and compared by fingerprints made here."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from keyturn.manifests.loader import LoadedManifests, load_manifests
from keyturn.manifests.secrets import check_seals_of_invalid, decrypt_manifests
from keyturn.model.address import Address
from keyturn.model.diagnostic import Cause, DiagnosticError, Severity
from keyturn.model.fields import FieldPath
from keyturn.model.resource import DesiredResource, StateEntry
from keyturn.model.secret import Secret
from keyturn.operations.run_context import RunContext
from keyturn.planning.inputs import PlanInputs, needs_decryption
from keyturn.project.keys import read_fingerprint_key
from keyturn.sops.decrypt import Decryptor as Decrypt
from keyturn.sops.decrypt import decryptor_for
from keyturn.state.fingerprint import compute_fingerprint, derive_key

FINGERPRINT_PURPOSE = "secrets"
"""What the key that fingerprints secrets is derived for."""

_TAMPERING = frozenset({Cause.MAC_MISMATCH, Cause.TAMPERING})


class SecretLoader(Struct, frozen=True):
    """Opens secrets and fingerprints them, with the repository's key read once and only when needed."""

    run: RunContext
    _root_keys: list[bytes]

    @classmethod
    def for_run(cls, run: RunContext) -> "SecretLoader":
        """Return an opener that has read nothing yet."""
        return cls(run, [])

    def create_decryptor(self) -> Decrypt:
        """Return what decrypts files with the keys that the environment leads to."""
        project = self.run.project
        return decryptor_for(self.run.environment, project.policy, project.decryptor)

    def load_manifests(self) -> LoadedManifests:
        """Return the workspace's manifests, sealed; raises Faulty where any of them is wrong."""
        loaded = load_manifests(self.run.project, self.run.workspace)
        errors = [finding for finding in loaded.diagnostics if finding.severity is Severity.ERROR]
        if not errors:
            return loaded
        accused = (
            check_seals_of_invalid(loaded.invalid_sealed, self.run.project, self.run.environment)
            if loaded.invalid_sealed
            else ()
        )
        raise DiagnosticError(*errors, *(each for each in accused if each.cause in _TAMPERING))

    def read_root_key(self) -> bytes:
        """Return the repository's key; raises Faulty where it cannot be opened."""
        if not self._root_keys:
            self._root_keys.append(read_fingerprint_key(self.run.project, self.create_decryptor()))
        return self._root_keys[0]

    def derive_fingerprint_key(self) -> bytes:
        """Return the key that fingerprints secrets."""
        return derive_key(self.read_root_key(), FINGERPRINT_PURPOSE)

    def decrypt_secrets(self, inputs: PlanInputs, also: frozenset[Address] = frozenset()) -> PlanInputs:
        """Return the inputs with the secrets opened that may need a write, and their fingerprints.

        ``also`` names manifests to be opened whether or not anything of them moved.
        """
        chosen = {each.address: each for each in needs_decryption(inputs)}
        chosen |= {
            address: each for address, each in inputs.desired.items() if address in also and each.secrets
        }
        if not chosen:
            return inputs
        project = self.run.project
        opened = {
            each.address: each
            for each in decrypt_manifests(tuple(chosen.values()), project, self.run.environment)
        }
        key = self.derive_fingerprint_key()
        prints = {
            address: _fingerprint_secrets(key, each, _fingerprint_address(each, inputs.entries))
            for address, each in opened.items()
        }
        return replace(inputs, desired={**inputs.desired, **opened}, fingerprints=prints)


def _fingerprint_address(desired: DesiredResource, known: Mapping[Address, StateEntry]) -> Address:
    # A fingerprint is bound to the name: a resource that is being renamed is compared under its old one.
    former = Address(desired.address.kind, desired.lifecycle.moved_from or desired.address.name)
    return desired.address if desired.address in known or former not in known else former


def _fingerprint_secrets(key: bytes, desired: DesiredResource, holder: Address) -> Mapping[FieldPath, str]:
    return {
        path: compute_fingerprint(key, holder, path, value)
        for path, value in desired.secrets.items()
        if isinstance(value, Secret)
    }
