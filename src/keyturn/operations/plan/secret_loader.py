"""Decrypt the secrets that a plan may write, and compute their fingerprints."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from keyturn.git.work_tree import check_work_tree
from keyturn.manifests.loader import LoadedManifests, load_manifests
from keyturn.manifests.secrets import check_seals_of_invalid, decrypt_manifests
from keyturn.model.address import Address
from keyturn.model.diagnostic import Cause, DiagnosticError, Severity
from keyturn.model.fields import FieldPath
from keyturn.model.resource import DesiredResource, StateEntry
from keyturn.model.secret import Secret
from keyturn.operations.run_context import RunContext
from keyturn.planning.inputs import PlanInputs, needs_decryption
from keyturn.project.keys import open_decryptor
from keyturn.project.workspace_key import read_root_key
from keyturn.sops.decrypt import Decryptor
from keyturn.state.fingerprint import compute_fingerprint
from keyturn.trust.derivation import derive_key

FINGERPRINT_PURPOSE = "secrets"
"""The purpose for which the fingerprint key of secrets is derived."""

_TAMPERING = frozenset({Cause.MAC_MISMATCH, Cause.TAMPERING})


class SecretLoader(Struct, frozen=True):
    """Loads manifests and decrypts their secrets; the repository's key is read once, when it is needed."""

    run: RunContext
    _root_keys: list[bytes]

    @classmethod
    def for_run(cls, run: RunContext) -> "SecretLoader":
        """Return a loader that has read nothing yet."""
        return cls(run, [])

    def create_decryptor(self) -> Decryptor:
        """Return a decryptor with the keys of the run's environment."""
        return open_decryptor(self.run.project, self.run.environment)

    def load_manifests(self) -> LoadedManifests:
        """Return the workspace's manifests, still encrypted.

        Raises DiagnosticError if one is invalid, or if the work tree lacks one that git holds (KT126, KT127).
        """
        loaded = load_manifests(self.run.project, self.run.workspace, environment=self.run.environment)
        missing = check_work_tree(
            self.run.root, self.run.workspace.manifests, loaded.files, self.run.environment
        )
        if missing:
            raise DiagnosticError(*missing)
        errors = [each for each in loaded.diagnostics if each.severity is Severity.ERROR]
        if not errors:
            return loaded
        checked = (
            check_seals_of_invalid(loaded.invalid_sealed, self.run.project, self.run.environment)
            if loaded.invalid_sealed
            else ()
        )
        raise DiagnosticError(*errors, *(each for each in checked if each.cause in _TAMPERING))

    def read_root_key(self) -> bytes:
        """Return the root key of the workspace; raises DiagnosticError if it cannot be decrypted."""
        if not self._root_keys:
            run = self.run
            self._root_keys.append(
                read_root_key(run.project, run.workspace, self.create_decryptor(), run.environment)
            )
        return self._root_keys[0]

    def derive_fingerprint_key(self) -> bytes:
        """Return the key for the fingerprints of secrets; raises DiagnosticError as ``read_root_key``."""
        return derive_key(self.read_root_key(), FINGERPRINT_PURPOSE)

    def decrypt_secrets(self, inputs: PlanInputs) -> PlanInputs:
        """Return the inputs with decrypted secrets and fingerprints of each resource that may need a write.

        Raises DiagnosticError if a file cannot be decrypted.
        """
        chosen = needs_decryption(inputs)
        if not chosen:
            return inputs
        decrypted = {
            each.address: each for each in decrypt_manifests(chosen, self.run.project, self.run.environment)
        }
        key = self.derive_fingerprint_key()
        fingerprints = {
            address: _fingerprint_secrets(key, each, _fingerprint_address(each, inputs.entries))
            for address, each in decrypted.items()
        }
        return replace(inputs, desired={**inputs.desired, **decrypted}, fingerprints=fingerprints)


def _fingerprint_address(desired: DesiredResource, entries: Mapping[Address, StateEntry]) -> Address:
    # A fingerprint covers the address: a renamed resource is compared under its previous address.
    previous = Address(desired.address.kind, desired.lifecycle.moved_from or desired.address.name)
    return desired.address if desired.address in entries or previous not in entries else previous


def _fingerprint_secrets(key: bytes, desired: DesiredResource, address: Address) -> Mapping[FieldPath, str]:
    return {
        path: compute_fingerprint(key, address, path, value)
        for path, value in desired.secrets.items()
        if isinstance(value, Secret)
    }
