"""A fleet: a repository of any size, encrypted as sops encrypts, without a process for each file.

The format is that of SOPS 3.x with one age recipient and ``encrypted_regex: ^secrets$``: values under
AES-256-GCM with nonces of 32 bytes, the path of a value as additional data, the MAC a SHA-512 over
the plain values in their order. ``tests/bench`` opens some of it with the real sops.
"""

import argparse
import base64
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyrage
import yaml
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keyturn.model.fields import flatten_tree
from keyturn.model.seal import compute_seal, select_fields
from keyturn.schema.definitions import select_sealed_paths

ORGANIZATION = "org_bench"
KEY = "plnx_live_benchmark"
_REGION = "us-east-1"
_HOST_KEY = "AAAAC3NzaC1lZDI1NTE5AAAAI" + "Example" * 6 + "E"


@dataclass(frozen=True, slots=True)
class Fleet:
    """A repository on disk: where it is, the age key that opens it, its manifests."""

    root: Path
    key: Path
    manifests: tuple[Path, ...]

    @property
    def environment(self) -> dict[str, str]:
        """What a shell needs to work in it."""
        return {"SOPS_AGE_KEY_FILE": str(self.key), "PLANASONIX_API_KEY": KEY}


# What sops writes --------------------------------------------------------------------------------


def _values(tree: object) -> Iterator[bytes]:
    if isinstance(tree, Mapping):
        for value in tree.values():
            yield from _values(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _values(value)
    elif isinstance(tree, bool):
        yield b"True" if tree else b"False"
    elif tree is not None:
        yield str(tree).encode()


def _sealed(cipher: AESGCM, text: str, data: str) -> str:
    nonce = os.urandom(32)
    whole = cipher.encrypt(nonce, text.encode(), data.encode())
    parts = {"data": whole[:-16], "iv": nonce, "tag": whole[-16:]}
    coded = ",".join(f"{name}:{base64.b64encode(part).decode()}" for name, part in parts.items())
    return f"ENC[AES256_GCM,{coded},type:str]"


def encrypted(tree: Mapping[str, Any], recipient: pyrage.x25519.Recipient) -> bytes:
    """Return a manifest with everything below ``secrets`` encrypted; secrets are flat and text."""
    key = AESGCM.generate_key(256)
    cipher = AESGCM(key)
    modified = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    mac = hashlib.sha512(b"".join(_values(tree))).hexdigest().upper()
    secrets = {name: _sealed(cipher, value, f"secrets:{name}:") for name, value in tree["secrets"].items()}
    block = {
        "age": [
            {"recipient": str(recipient), "enc": pyrage.encrypt(key, [recipient], armored=True).decode()}
        ],
        "lastmodified": modified,
        "mac": _sealed(cipher, mac, modified),
        "encrypted_regex": "^secrets$",
        "version": "3.11.0",
    }
    return _yaml({**tree, "secrets": secrets, "sops": block})


def _yaml(tree: Mapping[str, Any]) -> bytes:
    return yaml.dump(dict(tree), Dumper=yaml.CSafeDumper, sort_keys=False, width=10**6).encode()


# What stands in it -------------------------------------------------------------------------------


def _secret() -> str:
    return "s" + base64.b32encode(os.urandom(20)).decode().lower()


def _database(host: str) -> dict[str, Any]:
    config = {"engine": "postgresql", "host": f"{host}.acme.example", "database": "app", "username": "svc"}
    return {"type": "database", "config": config, "secrets": {"password": _secret()}}


def _snowflake(host: str) -> dict[str, Any]:
    config = {"engine": "snowflake", "host": f"{host}.{_REGION}.snowflakecomputing.com", "username": "SVC"}
    return {"type": "database", "config": config, "secrets": {"password": _secret()}}


def _aws(host: str) -> dict[str, Any]:
    number = hashlib.sha256(host.encode()).hexdigest()[:16].upper()
    config = {"region": _REGION, "access_key_id": f"AKIA{number}"}
    secret = base64.b64encode(os.urandom(30)).decode()
    waive = [{"rule": "KT330", "reason": "a fleet has no roles"}]
    return {"type": "aws", "config": config, "secrets": {"secret_access_key": secret}, "waive": waive}


def _azure(host: str) -> dict[str, Any]:
    digits = hashlib.sha256(host.encode()).hexdigest()
    client = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))
    config = {"tenant_id": "11111111-2222-3333-4444-555555555555", "client_id": client}
    return {"type": "azure", "config": config, "secrets": {"client_secret": _secret()}}


def _api_key(_: str) -> dict[str, Any]:
    return {"type": "api_key", "secrets": {"api_key": _secret()}}


def _password(_: str) -> dict[str, Any]:
    return {"type": "password", "config": {"username": "svc"}, "secrets": {"password": _secret()}}


_PAIRS: tuple[tuple[str, Callable[[str], dict[str, Any]], Callable[[str], dict[str, Any]]], ...] = (
    ("postgres", _database, lambda host: {"host": f"{host}.acme.example", "sslMode": "verify-full"}),
    ("snowflake", _snowflake, lambda host: {"account": f"{host}.{_REGION}", "warehouse": "LOAD"}),
    ("s3", _aws, lambda host: {"bucket": host, "region": _REGION}),
    ("synapse", _azure, lambda host: {"host": f"{host}.sql.azuresynapse.net", "sslMode": "verify-full"}),
    ("stripe", _api_key, lambda host: {"account": host}),
    (
        "sftp",
        _password,
        lambda host: {"host": host, "port": 22, "knownHosts": f"{host} ssh-ed25519 {_HOST_KEY}"},
    ),
)


def _name(number: int) -> str:
    return f"prod-{_PAIRS[number % len(_PAIRS)][0]}-{number:05}"


def _resources(count: int) -> Iterator[dict[str, Any]]:
    """Yield pairs of a credential and a connection that uses it; some use the next one's as well."""
    for number in range(count // 2):
        system, credential, config = _PAIRS[number % len(_PAIRS)]
        name, host = _name(number), f"db{number:05}"
        labels = {"environment": "prod", "system": system, "owner": "data-platform"}
        if system == "synapse":
            labels["expires"] = "2099-12-31"
        head = {"name": name, "labels": labels}
        rotation = {"max_age": "90d", "strategy": "verify"}
        yield {"kind": "credential", **head, **credential(host), "rotation": rotation}
        uses = config(host)
        if system == "snowflake" and number + 1 < count // 2:
            uses["staging"] = {
                "credentialId": {"ref": f"credential/{_name(number + 1)}"},
                "bucket": "landing",
            }
        yield {"kind": "connection", **head, "type": system, "credential": name, "config": uses}


# The repository ----------------------------------------------------------------------------------


def _bound(tree: dict[str, Any]) -> dict[str, Any]:
    fields = flatten_tree({"config": tree["config"]} if "config" in tree else {})
    covered = select_fields(fields, select_sealed_paths(tree["kind"], tree["type"], fields))
    mark = compute_seal(tree["kind"], tree["name"], tree["type"], covered)
    return {**tree, "secrets": {**tree["secrets"], "seal": mark}}


def write(root: Path, count: int, base_url: str = "http://127.0.0.1:9") -> Fleet:
    """Make a repository of ``count`` resources, half of them credentials, below an absent folder."""
    identity = pyrage.x25519.Identity.generate()
    recipient = identity.to_public()
    for kind in ("credentials", "connections"):
        (root / "manifests/prod" / kind).mkdir(parents=True)
    key = root / ".age-key.txt"
    key.write_text(f"{identity}\n")
    key.chmod(0o600)
    (root / ".gitignore").write_text(".age-key.txt\n")
    (root / ".sops.yaml").write_bytes(
        _yaml(
            {
                "creation_rules": [
                    {"path_regex": "^manifests/", "encrypted_regex": "^secrets$", "age": str(recipient)}
                ]
            }
        )
    )
    (root / "keyturn.yaml").write_bytes(_yaml(_project(base_url, str(recipient))))
    (root / ".keyturn").mkdir()
    mark = base64.b64encode(os.urandom(32)).decode()
    (root / ".keyturn/fingerprint.yaml").write_bytes(
        encrypted({"secrets": {"fingerprint_key": mark}}, recipient)
    )
    return Fleet(root, key, tuple(_manifests(root, count, recipient)))


def _project(base_url: str, recipient: str) -> dict[str, Any]:
    workspace = {
        "base_url": base_url,
        "organization": ORGANIZATION,
        "api_key": {"env": "PLANASONIX_API_KEY"},
        "manifests": ["manifests/prod"],
        "state": "file:.keyturn/prod",
    }
    policy = {
        "required_labels": ["environment", "system", "owner"],
        "environments": {"prod": {"prefix": "prod-"}},
        "recipients": {"manifests/prod": [recipient]},
        "rotation": {"max_age": "90d"},
        "seal": "required",
    }
    return {"version": 1, "workspaces": {"prod": workspace}, "policy": policy}


def _manifests(root: Path, count: int, recipient: pyrage.x25519.Recipient) -> Iterator[Path]:
    for tree in _resources(count):
        path = root / f"manifests/prod/{tree['kind']}s/{tree['name']}.yaml"
        path.write_bytes(encrypted(_bound(tree), recipient) if "secrets" in tree else _yaml(tree))
        yield path


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path, help="a folder that does not exist yet")
    arguments.add_argument("--resources", type=int, default=1000)
    arguments.add_argument("--base-url", default="http://127.0.0.1:8080")
    given = arguments.parse_args()
    made = write(given.folder, given.resources, given.base_url)
    print(f"{len(made.manifests)} manifests in {made.root}; the age key is {made.key}")
