"""Removal of secrets from text that the service returns."""

from collections.abc import Iterable, Mapping

from keyturn.model.secret import Secret

_MIN_REDACTED_LENGTH = 4
_SHORT_TEXT_LENGTH = 1000
"""Characters: the message of a connection test has about fifty."""

_REPLACEMENT = "[hidden]"


def redact_secrets(text: str, secrets: Iterable[Secret]) -> str:
    """Return ``text`` with every occurrence of a secret replaced by ``[hidden]``.

    A secret of fewer than four characters replaces the whole text if it occurs: the gaps of a partial
    replacement would show where the secret was.
    """
    for secret in secrets:
        value = secret.reveal()
        if value and value in text:
            text = text.replace(value, _REPLACEMENT) if len(value) >= _MIN_REDACTED_LENGTH else _REPLACEMENT
    return text


class SecretRedactor:
    """Redacts many secrets in short texts, at a cost that does not grow with their number.

    Each substring that is as long as some secret is looked up by its hash, which Python salts for each
    process. Only secrets with an equal hash are compared. A long text is searched for each secret instead.
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        longest_first = sorted(
            ((secret.reveal(), secret) for secret in secrets), key=lambda pair: len(pair[0]), reverse=True
        )
        self._secret_by_hash = {hash(value): secret for value, secret in longest_first}
        self._lengths = sorted({len(value) for value, _ in longest_first} - {0}, reverse=True)

    def redact(self, text: str) -> str:
        """Return ``text`` as ``redact_secrets`` would, longer secrets first."""
        if len(text) > _SHORT_TEXT_LENGTH:
            return redact_secrets(text, self._secret_by_hash.values())
        hashes = (
            hash(text[start : start + length])
            for length in self._lengths
            for start in range(len(text) - length + 1)
        )
        return redact_secrets(
            text, [self._secret_by_hash[value] for value in hashes if value in self._secret_by_hash]
        )


NO_REDACTION = SecretRedactor()
"""Redacts nothing."""


def collect_secrets(tree: object) -> tuple[Secret, ...]:
    """Return the ``Secret`` leaves of a body, in order."""
    if isinstance(tree, Secret):
        return (tree,)
    branches = tree.values() if isinstance(tree, Mapping) else tree if isinstance(tree, list | tuple) else ()
    return tuple(secret for branch in branches for secret in collect_secrets(branch))
