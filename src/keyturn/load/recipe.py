"""For whom a new file is encrypted: as policy says for its path, or as the repository's .sops.yaml does."""

import re
from pathlib import Path
from typing import Final

from msgspec import Struct

from keyturn.core.address import SourceLocation
from keyturn.core.diagnostic import DiagnosticError
from keyturn.load.findings import error_diagnostic
from keyturn.policy.settings import PolicySettings, recipients_for

CREATION_RULES_FILE: Final = ".sops.yaml"
"""The file in which sops keeps its creation rules."""

SECRETS_SELECTOR: Final = "^secrets$"
"""The ``encrypted_regex`` of every file that keyturn makes: all of ``secrets:``, and nothing else."""

_PGP_FINGERPRINT: Final = re.compile(r"(?:0[xX])?[0-9A-Fa-f]{40}")


class CreationRule(Struct, frozen=True):
    """A ``.sops.yaml`` whose rules decide, or recipients by name."""

    rules_file: Path | None = None
    age: tuple[str, ...] = ()
    pgp: tuple[str, ...] = ()

    def build_arguments(self, file: str) -> tuple[str, ...]:
        """Return how ``sops encrypt`` is told; ``file`` is the path that the file will have."""
        if self.rules_file is not None:
            named = str(self.rules_file.parent.absolute() / file)
            return ("--config", str(self.rules_file), "encrypt", "--filename-override", named)
        flags = (("--age", self.age), ("--pgp", self.pgp))
        told = [word for flag, names in flags if names for word in (flag, ",".join(names))]
        return ("--config", "/dev/null", "encrypt", *told, "--encrypted-regex", SECRETS_SELECTOR)


def creation_rule(root: Path, settings: PolicySettings, file: str) -> CreationRule:
    """Return for whom ``file`` is to be encrypted.

    Policy's recipients for the path come first, as far as they are age and PGP keys; then the
    rules of ``.sops.yaml``. Raises Faulty (KT227) where neither is there.
    """
    names = recipients_for(settings, file) or ()
    age = tuple(name for name in names if name.startswith(("age1", "ssh-")))
    pgp = tuple(name for name in names if _PGP_FINGERPRINT.fullmatch(name))
    if names and len(age) + len(pgp) == len(names):
        return CreationRule(age=age, pgp=pgp)
    if (root / CREATION_RULES_FILE).is_file():
        return CreationRule(rules_file=root / CREATION_RULES_FILE)
    hint = "name recipients in policy.recipients of keyturn.yaml, or rules in .sops.yaml"
    raise DiagnosticError(error_diagnostic("KT227", SourceLocation(file), "nothing says for whom this file is to be encrypted", hint))
