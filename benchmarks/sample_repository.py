"""A sample repository of any size, encrypted in the format of SOPS without one sops process for each file.

SOPS 3.x with one age recipient and ``encrypted_regex: ^secrets$``: values under AES-256-GCM with nonces of
32 bytes and the path of the value as additional data; the MAC is a SHA-512 over the plaintext values in
order. ``tests/bench`` decrypts some files with the real sops.
"""

import argparse
import base64
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyrage
import yaml
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from keyturn.model.fields import flatten_tree
from keyturn.model.seal import compute_seal, select_fields
from keyturn.schema.definitions import select_sealed_paths

ORGANIZATION = "org_bench"
API_KEY = "plnx_live_benchmark"
_REGION = "us-east-1"
_HOST_KEY = "AAAAC3NzaC1lZDI1NTE5AAAAI" + "Example" * 6 + "E"


class SampleRepository(Struct, frozen=True):
    """A repository on disk: its root, its age key file, its manifests."""

    root: Path
    age_key_file: Path
    manifests: tuple[Path, ...]

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables with the age key file, the API key and a cache folder of its own."""
        return {
            "SOPS_AGE_KEY_FILE": str(self.age_key_file),
            "PLANASONIX_API_KEY": API_KEY,
            "XDG_CACHE_HOME": str(self.root / ".cache"),
        }


def write_repository(root: Path, count: int, base_url: str = "http://127.0.0.1:9") -> SampleRepository:
    """Create a repository of ``count`` resources, half of them credentials, in a new folder."""
    identity = pyrage.x25519.Identity.generate()
    recipient = identity.to_public()
    for kind in ("credentials", "connections"):
        (root / "manifests/prod" / kind).mkdir(parents=True)
    age_key_file = root / ".age-key.txt"
    age_key_file.write_text(f"{identity}\n")
    age_key_file.chmod(0o600)
    (root / ".gitignore").write_text(".age-key.txt\n")
    rule = {"path_regex": "^manifests/", "encrypted_regex": "^secrets$", "age": str(recipient)}
    (root / ".sops.yaml").write_bytes(_dump_yaml({"creation_rules": [rule]}))
    (root / "keyturn.yaml").write_bytes(_dump_yaml(_build_project(base_url, str(recipient))))
    (root / ".keyturn").mkdir()
    fingerprint_key = base64.b64encode(os.urandom(32)).decode()
    (root / ".keyturn/fingerprint.yaml").write_bytes(
        encrypt_manifest({"secrets": {"fingerprint_key": fingerprint_key}}, recipient)
    )
    return SampleRepository(root, age_key_file, tuple(_write_manifests(root, count, recipient)))


def encrypt_manifest(tree: Mapping[str, Any], recipient: pyrage.x25519.Recipient) -> bytes:
    """Return a manifest with the values below ``secrets`` encrypted; secrets are flat and text."""
    key = AESGCM.generate_key(256)
    cipher = AESGCM(key)
    modified = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    mac = hashlib.sha512(b"".join(_iterate_values(tree))).hexdigest().upper()
    secrets = {
        name: _encrypt_value(cipher, value, f"secrets:{name}:") for name, value in tree["secrets"].items()
    }
    metadata = {
        "age": [
            {"recipient": str(recipient), "enc": pyrage.encrypt(key, [recipient], armored=True).decode()}
        ],
        "lastmodified": modified,
        "mac": _encrypt_value(cipher, mac, modified),
        "encrypted_regex": "^secrets$",
        "version": "3.11.0",
    }
    return _dump_yaml({**tree, "secrets": secrets, "sops": metadata})


def _iterate_values(tree: object) -> Iterator[bytes]:
    if isinstance(tree, Mapping):
        for value in tree.values():
            yield from _iterate_values(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _iterate_values(value)
    elif isinstance(tree, bool):
        yield b"True" if tree else b"False"
    elif tree is not None:
        yield str(tree).encode()


def _encrypt_value(cipher: AESGCM, text: str, additional_data: str) -> str:
    nonce = os.urandom(32)
    output = cipher.encrypt(nonce, text.encode(), additional_data.encode())
    parts = {"data": output[:-16], "iv": nonce, "tag": output[-16:]}
    encoded = ",".join(f"{name}:{base64.b64encode(part).decode()}" for name, part in parts.items())
    return f"ENC[AES256_GCM,{encoded},type:str]"


def _dump_yaml(tree: Mapping[str, Any]) -> bytes:
    return yaml.dump(dict(tree), Dumper=yaml.CSafeDumper, sort_keys=False, width=10**6).encode()


def _generate_secret() -> str:
    return "s" + base64.b32encode(os.urandom(20)).decode().lower()


def _build_database(host: str) -> dict[str, Any]:
    config = {"engine": "postgresql", "host": f"{host}.acme.example", "database": "app", "username": "svc"}
    return {"type": "database", "config": config, "secrets": {"password": _generate_secret()}}


def _build_snowflake(host: str) -> dict[str, Any]:
    config = {"engine": "snowflake", "host": f"{host}.{_REGION}.snowflakecomputing.com", "username": "SVC"}
    return {"type": "database", "config": config, "secrets": {"password": _generate_secret()}}


def _build_aws(host: str) -> dict[str, Any]:
    number = hashlib.sha256(host.encode()).hexdigest()[:16].upper()
    config = {"region": _REGION, "access_key_id": f"AKIA{number}"}
    secret = base64.b64encode(os.urandom(30)).decode()
    waive = [{"rule": "KT330", "reason": "the sample repository has no roles"}]
    return {"type": "aws", "config": config, "secrets": {"secret_access_key": secret}, "waive": waive}


def _build_azure(host: str) -> dict[str, Any]:
    digits = hashlib.sha256(host.encode()).hexdigest()
    client = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))
    config = {"tenant_id": "11111111-2222-3333-4444-555555555555", "client_id": client}
    return {"type": "azure", "config": config, "secrets": {"client_secret": _generate_secret()}}


def _build_api_key(_: str) -> dict[str, Any]:
    return {"type": "api_key", "secrets": {"api_key": _generate_secret()}}


def _build_password(_: str) -> dict[str, Any]:
    return {"type": "password", "config": {"username": "svc"}, "secrets": {"password": _generate_secret()}}


_PAIRS: tuple[tuple[str, Callable[[str], dict[str, Any]], Callable[[str], dict[str, Any]]], ...] = (
    ("postgres", _build_database, lambda host: {"host": f"{host}.acme.example", "sslMode": "verify-full"}),
    ("snowflake", _build_snowflake, lambda host: {"account": f"{host}.{_REGION}", "warehouse": "LOAD"}),
    ("s3", _build_aws, lambda host: {"bucket": host, "region": _REGION}),
    (
        "synapse",
        _build_azure,
        lambda host: {"host": f"{host}.sql.azuresynapse.net", "sslMode": "verify-full"},
    ),
    ("stripe", _build_api_key, lambda host: {"account": host}),
    (
        "sftp",
        _build_password,
        lambda host: {"host": host, "port": 22, "knownHosts": f"{host} ssh-ed25519 {_HOST_KEY}"},
    ),
)


def _format_name(number: int) -> str:
    return f"prod-{_PAIRS[number % len(_PAIRS)][0]}-{number:05}"


def _iterate_resources(count: int) -> Iterator[dict[str, Any]]:
    # Pairs of a credential and a connection that uses it; some also use the credential of the next pair.
    for number in range(count // 2):
        system, credential, config = _PAIRS[number % len(_PAIRS)]
        name, host = _format_name(number), f"db{number:05}"
        labels = {"environment": "prod", "system": system, "owner": "data-platform"}
        if system == "synapse":
            labels["expires"] = "2099-12-31"
        head = {"name": name, "labels": labels}
        rotation = {"max_age": "90d", "strategy": "verify"}
        yield {"kind": "credential", **head, **credential(host), "rotation": rotation}
        settings = config(host)
        if system == "snowflake" and number + 1 < count // 2:
            settings["staging"] = {
                "credentialId": {"ref": f"credential/{_format_name(number + 1)}"},
                "bucket": "landing",
            }
        yield {"kind": "connection", **head, "type": system, "credential": name, "config": settings}


def _seal_manifest(tree: dict[str, Any]) -> dict[str, Any]:
    fields = flatten_tree({"config": tree["config"]} if "config" in tree else {})
    sealed_fields = select_fields(fields, select_sealed_paths(tree["kind"], tree["type"], fields))
    seal = compute_seal(tree["kind"], tree["name"], tree["type"], sealed_fields)
    return {**tree, "secrets": {**tree["secrets"], "seal": seal}}


def _build_project(base_url: str, recipient: str) -> dict[str, Any]:
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


def _write_manifests(root: Path, count: int, recipient: pyrage.x25519.Recipient) -> Iterator[Path]:
    for tree in _iterate_resources(count):
        path = root / f"manifests/prod/{tree['kind']}s/{tree['name']}.yaml"
        if "secrets" in tree:
            path.write_bytes(encrypt_manifest(_seal_manifest(tree), recipient))
        else:
            path.write_bytes(_dump_yaml(tree))
        yield path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder that does not exist yet")
    parser.add_argument("--resources", type=int, default=1000)
    parser.add_argument("--base-url", default="http://127.0.0.1:8080")
    options = parser.parse_args()
    repository = write_repository(options.folder, options.resources, options.base_url)
    print(f"{len(repository.manifests)} manifests in {repository.root}, age key {repository.age_key_file}")
