"""Likeness: which secrets are the same, told by fingerprints that are good for one run."""

from collections.abc import Mapping
from types import MappingProxyType

from keyturn.core.fields import FieldPath
from keyturn.core.secret import Secret

_FINGERPRINT_FRAMING = b"keyturn policy likeness\0"


def run_fingerprints(secrets: Mapping[str, Mapping[FieldPath, Secret]], key: bytes) -> Mapping[tuple[str, FieldPath], str]:
    """Return a fingerprint of each secret, by file and path, as ``Context`` takes them.

    Equal secrets have equal fingerprints wherever they stand. ``key`` is 32 random bytes, made for
    one run and kept nowhere, so that nothing can be compared with what another run said.
    """
    return MappingProxyType(
        {
            (file, path): secret.compute_hmac(key, _FINGERPRINT_FRAMING)
            for file, fields in secrets.items()
            for path, secret in fields.items()
        }
    )
