"""Plans and applies in one process: manifests are trees, and the emulator is real.

Nothing is encrypted, so thousands of plans take seconds: decryption returns the values of the trees.
All other code is keyturn's own, from loading to the last request.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from faults.in_process import ClockAdvancingTransport, InlineThread, InProcessTransport
from faults.memory_store import MemoryStore
from keyturn.client.client import Client
from keyturn.client.messages import ClientClock
from keyturn.files.discovery import SourceFile
from keyturn.manifests.loader import LoadedManifests
from keyturn.manifests.manifest import build_manifest
from keyturn.model.clock import RunClock
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.plan import Plan
from keyturn.model.resource import DesiredResource
from keyturn.model.secret import Secret
from keyturn.operations import parallel
from keyturn.operations.apply.session import ApplyOptions, ApplyReport, apply_plan
from keyturn.operations.plan import secret_loader
from keyturn.operations.plan.plan import PlanOptions, PlanResult, plan_workspace
from keyturn.operations.run_context import Actor, RunContext
from keyturn.project.project import read_project
from keyturn.yamldoc.reader import parse_document
from planasonix_emulator.server import Emulator

PROJECT = """version: 1
workspaces:
  prod:
    base_url: http://127.0.0.1:9
    organization: ORGANIZATION
    api_key: {env: PLANASONIX_API_KEY}
    manifests: [manifests]
"""

Trees = Mapping[str, Mapping[str, Any]]


@dataclass
class InProcessRun:
    """A workspace on an emulator; ``manifests`` are trees by name, with secrets in plain text."""

    folder: Path
    service: Emulator
    manifests: dict[str, dict[str, Any]] = field(default_factory=dict)
    now: float = 1_790_000_000.0

    def __post_init__(self) -> None:
        (self.folder / "keyturn.yaml").write_text(PROJECT.replace("ORGANIZATION", self.service.organization))
        self.project = read_project(self.folder)
        self.app = self.service.app
        self._fresh = count(1)
        self._sealed: dict[str, Secret] = {}
        self.begin()

    def begin(self) -> None:
        """Start with an empty service and an empty state."""
        self.service.reset(settings=True)
        self.service.set_clock(hold=self.now)
        self.memory = MemoryStore(lambda: self.now)
        self.manifests = {}

    def sleep(self, seconds: float) -> None:
        """Advance the clocks of the client and the service."""
        self.now += seconds
        self.service.deployment.clock.advance(seconds)

    def run(self) -> RunContext:
        """Return the context of a run."""
        tempo = ClientClock(
            monotonic=lambda: self.now, now=lambda: self.now, sleep=self.sleep, random_fraction=lambda: 0.5
        )
        doors = self.memory.crash_points
        exchange = InProcessTransport(self.app, self.service.key, doors, lambda _: None, doors.lock)
        return RunContext(
            root=self.folder,
            project=self.project,
            workspace=self.project.find_workspace(),
            service=Client(ClockAdvancingTransport(exchange, self.sleep), tempo),
            store=self.memory,
            clock=RunClock(now=lambda: datetime.fromtimestamp(self.now, UTC), monotonic=lambda: self.now),
            sleep=self.sleep,
            new_id=lambda: f"{next(self._fresh):016x}",
            environment={},
            actor=Actor(who="tester", host="here"),
        )

    def plan(self, wish: PlanOptions) -> PlanResult:
        """Plan the manifests; nothing is written."""
        with self._handed():
            return plan_workspace(self.run(), wish)

    def apply(self, wish: PlanOptions, terms: ApplyOptions) -> ApplyReport | tuple[str, ...]:
        """Apply the manifests; return the report, or the codes of the errors."""
        self.sleep(60)
        try:
            with self._handed():
                return apply_plan(self.run(), wish, terms, _confirm)
        except DiagnosticError as faulty:
            return tuple(each.code for each in faulty.diagnostics)
        finally:
            self.memory.live_holders.clear()

    @contextmanager
    def _handed(self) -> Iterator[None]:
        loaded = self._loaded()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(parallel, "Thread", InlineThread)
            patch.setattr(secret_loader, "load_manifests", lambda *_, **__: loaded)
            patch.setattr(secret_loader, "decrypt_manifests", lambda some, *_: tuple(map(self._open, some)))
            patch.setattr(secret_loader, "read_root_key", lambda *_: b"k" * 32)
            yield

    def _loaded(self) -> LoadedManifests:
        made = [self._manifest(tree) for tree in self.manifests.values()]
        return LoadedManifests(
            desired=tuple(each.desired for each in made),
            resource_views=tuple(each.resource_view for each in made),
        )

    def _manifest(self, tree: Mapping[str, Any]) -> Any:
        whole = dict(tree)
        if "secrets" in tree:
            whole["secrets"] = {name: self._cipher(value) for name, value in tree["secrets"].items()}
        data = json.dumps(whole).encode()
        relative = f"manifests/{tree['kind']}s/{tree['name']}.yaml"
        source = SourceFile(self.folder, relative, hashlib.sha256(data).hexdigest(), data)
        return build_manifest(source, parse_document(data, relative), "prod")

    def _cipher(self, value: str) -> str:
        cipher = f"ENC[{hashlib.sha256(value.encode()).hexdigest()}]"
        self._sealed[hashlib.sha256(cipher.encode()).hexdigest()] = Secret(value)
        return cipher

    def _open(self, desired: DesiredResource) -> DesiredResource:
        return replace(
            desired,
            secrets={path: self._sealed[digest] for path, digest in desired.ciphertext_digests.items()},
        )


def _confirm(planned: PlanResult) -> bool:
    if planned.plan.blocking_diagnostics:
        raise DiagnosticError(*planned.plan.blocking_diagnostics)
    return True


def list_codes(planned: Plan) -> list[str]:
    """Return the codes of the errors that block a plan."""
    return [finding.code for finding in planned.blocking_diagnostics]
