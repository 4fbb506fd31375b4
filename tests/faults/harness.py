"""Runs real plans and applies against the real emulator, in one process and on a virtual clock.

The manifests of a scenario are written and decrypted once. Each case restores the records of the
emulator and the state.
"""

import hashlib
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from age_keys import AgeKey
from faults.in_process import (
    ClockAdvancingTransport,
    InlineExecutor,
    InlineThread,
    InProcessEmulator,
    InProcessTransport,
    is_write,
)
from faults.manifest_trees import ManifestCache, ManifestTree, PreparedScenario, all_secrets
from faults.memory_store import CrashPoints, MemoryStore, ProcessKilled
from faults.scenarios import HOST, RETIRE_ALL, Scenario, Write
from keyturn.client.client import Client
from keyturn.client.errors import ServiceError
from keyturn.client.messages import ClientClock, Request
from keyturn.client.request_body import encode_bearer_token
from keyturn.client.sender import RequestTransport
from keyturn.client.transport import HttpTransport, build_connection_factory
from keyturn.model.clock import RunClock
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.secret import Secret
from keyturn.model.service_url import parse_service_url
from keyturn.operations import parallel
from keyturn.operations.apply import executor
from keyturn.operations.apply.session import ApplyOptions, ApplyReport, apply_plan
from keyturn.operations.plan import secret_loader
from keyturn.operations.plan.plan import PlanOptions, PlanResult, plan_workspace
from keyturn.operations.run_context import Actor, RunContext
from keyturn.planning.inputs import Approvals
from keyturn.project.project import read_project
from planasonix_emulator.server import Emulator
from planasonix_emulator.testing.faults import parse_faults
from workspace import Repository

START = 1_790_000_000.0
GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]


@dataclass
class VirtualClock:
    """The clock of keyturn and of the service; it advances by sleeps and with each request.

    ``skew`` is the difference between the local wall clock and the clock of the service, in seconds.
    """

    service: Emulator
    now: float = START
    skew: float = 0.0
    sleeps: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Advance and record the sleep."""
        self.sleeps.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Advance both sides."""
        self.now += seconds
        self.service.deployment.clock.advance(seconds)

    def wall(self) -> float:
        """Return the local wall clock in Unix seconds."""
        return self.now + self.skew

    def run_clock(self) -> RunClock:
        """Return the clocks for a run."""
        return RunClock(now=lambda: datetime.fromtimestamp(self.wall(), UTC), monotonic=lambda: self.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """The result of one run: report or error, its requests and its crash points."""

    report: ApplyReport | None = None
    error: BaseException | None = None
    requests: tuple[dict[str, Any], ...] = ()
    crash_points: tuple[str, ...] = ()

    @property
    def was_killed(self) -> bool:
        """Whether the process was killed."""
        return isinstance(self.error, ProcessKilled)

    @property
    def write_count(self) -> int:
        """The number of requests that may change something."""
        return sum(is_write(each["method"], each["path"]) for each in self.requests)


class Harness:
    """One emulator and one state store on which all scenarios run, one at a time."""

    def __init__(self, folder: Path, age: AgeKey, manifest_cache: ManifestCache) -> None:
        self.service = InProcessEmulator.start()
        self.folder, self.age, self.manifest_cache = folder, age, manifest_cache
        self.secrets_by_label: dict[str, str] = {}
        self.watch: Callable[[str], object] = lambda _: None
        self.sockets = False
        self.met: list[dict[str, Any]] = []
        self.app = self.service.app
        self.clock = VirtualClock(self.service)
        self.memory = MemoryStore(self.clock.wall)
        self.parallelism = 1
        self.on_request: Callable[[Request], None] = lambda _: None
        self._counter = 0
        self.prepare = cache(self._prepare)

    def mint(self, label: str) -> str:
        """Return the secret with this label; create it at the first call."""
        if label not in self.secrets_by_label:
            self.secrets_by_label[label] = secrets.token_hex(12)
            self.watch(self.secrets_by_label[label])
        return self.secrets_by_label[label]

    # Scenarios ---------------------------------------------------------------------------------------

    def _prepare(self, scenario: Scenario) -> PreparedScenario:
        self.clear()
        root = self.folder / scenario.name.replace(" ", "-")
        repo = Repository(root, self.age, self.service.base_url, self.service.organization)
        repo.key = self.service.key
        (root / "manifests/prod").mkdir(parents=True)
        self.service.seed_objects(**unmanaged())
        first = self._tree(repo, scenario.before)
        self.apply_cleanly(first, Approvals())
        second = self._tree(repo, scenario.gone)
        self.apply_cleanly(second, RETIRE_ALL)
        scenario.ui_edits(self.service)
        after = self._tree(repo, scenario.after)
        return PreparedScenario(
            scenario=scenario,
            first=first,
            before=second,
            after=after,
            rows=self.service.deployment.store.list_records(),
            state=self.memory.snapshot(),
            at=self.clock.now,
        )

    def _tree(self, repo: Repository, write: Write) -> ManifestTree:
        write(repo, self.mint)
        _git(repo, "init", "-q")
        _git(repo, "add", "-A")
        _git(repo, "commit", "-q", "--allow-empty", "-m", "x")
        commit = _git(repo, "rev-parse", "HEAD")
        copy = Path(shutil.copytree(repo.root, f"{repo.root}-{self._next()}"))
        project = read_project(copy)
        loaded = secret_loader.load_manifests(project, project.find_workspace())
        assert not [each for each in loaded.diagnostics if each.severity.name == "ERROR"], loaded.diagnostics
        sealed = tuple(each for each in loaded.desired if each.secrets)
        opened = {
            each.address: each
            for each in secret_loader.decrypt_manifests(sealed, project, repo.environment())
        }
        desired = tuple(opened.get(each.address, each) for each in loaded.desired)
        return ManifestTree(project=project, desired=desired, commit=commit)

    def apply_cleanly(self, tree: ManifestTree, approvals: Approvals) -> None:
        """Apply a tree; every change must succeed."""
        result = self.apply(tree, approvals)
        assert result.error is None, result.error
        assert result.report is not None
        assert all(each.outcome_status.value == "done" for each in result.report.outcomes), (
            result.report.outcomes
        )

    def clear(self) -> None:
        """Remove all records, state, faults and settings."""
        self.service.reset(settings=True)
        self.clock.now, self.clock.skew = START, 0.0
        self.service.set_clock(hold=START)
        self.memory.restore_snapshot(({}, b""))
        self.memory.crash_points, self.memory.torn_append = CrashPoints(), False
        self.service.deployment.targets.replace_targets(())

    def start(self, prepared: PreparedScenario, *faults: dict[str, Any], **settings: Any) -> None:
        """Restore the start of a scenario, then set faults and settings of the service."""
        deployment = self.service.deployment
        self.clear()
        self.clock.now = prepared.at
        self.service.set_clock(hold=prepared.at)
        deployment.store.save_records(*prepared.rows)
        self.memory.restore_snapshot(prepared.state)
        deployment.clear_history()
        self.service.app.faults.replace_faults(parse_faults(list(faults)))
        if settings:
            self.service.change_settings(**settings)
        if prepared.scenario.refused or prepared.scenario.accepts:
            self.service.set_targets(list(self._targets(prepared)))

    def _targets(self, prepared: PreparedScenario) -> Iterator[dict[str, Any]]:
        refused = {self.mint(label) for label in prepared.scenario.refused}
        takes = {host: self.mint(label) if label else "" for host, label in prepared.scenario.accepts}
        for host in takes or [HOST["host"]]:
            right = {each for each in all_secrets(prepared) if takes.get(host, each) == each} - refused
            yield {"type": "postgres", "match": {"host": host}, "accepts": {"password": sorted(right)}}

    # Runs --------------------------------------------------------------------------------------------

    def run(self, tree: ManifestTree) -> RunContext:
        """Return the run context of a tree."""
        return RunContext(
            root=tree.project.root,
            project=tree.project,
            workspace=tree.project.find_workspace(),
            service=self._client(),
            store=self.memory,
            clock=self.clock.run_clock(),
            sleep=self.clock.sleep,
            new_id=lambda: hashlib.sha256(str(self._next()).encode()).hexdigest()[:16],
            environment={"SOPS_AGE_KEY_FILE": str(self.age.file)},
            actor=Actor(who="tester", host="here", commit=tree.commit),
        )

    def _client(self) -> Client:
        if self.sockets:
            return self.client_over(self._open_sockets())
        exchange = InProcessTransport(
            self.app,
            self.service.key,
            self.memory.crash_points,
            self.on_request,
            self.memory.crash_points.lock,
        )
        return self.client_over(exchange)

    def _open_sockets(self) -> HttpTransport:
        url = parse_service_url(self.service.base_url)
        headers = {"Authorization": encode_bearer_token(Secret(self.service.key), "a test")}
        return HttpTransport(url, headers, self._client_clock(), build_connection_factory(url))

    def client_over(self, transport: RequestTransport) -> Client:
        """Return a client over a transport; each request takes 2 ms of the clock."""
        return Client(ClockAdvancingTransport(transport, self.clock.advance), self._client_clock())

    def _client_clock(self) -> ClientClock:
        return ClientClock(
            monotonic=lambda: self.clock.now,
            now=self.clock.wall,
            sleep=self.clock.sleep,
            random_fraction=lambda: 0.5,
        )

    def apply(
        self, tree: ManifestTree, approvals: Approvals, crash_points: CrashPoints | None = None, **more: Any
    ) -> RunResult:
        """Apply a tree and return the result; a simulated kill is a result, too."""
        self.memory.crash_points = crash_points or CrashPoints()
        since = len(self.service.app.request_log)
        report, error, run = None, None, self.run(tree)
        try:
            terms = ApplyOptions(parallelism=self.parallelism, **more)
            with self._without_threads():
                report = apply_plan(run, PlanOptions(approvals=approvals), terms, _agree)
        except (ProcessKilled, DiagnosticError, ServiceError) as raised:
            error = raised
        run.service.close()
        requests = tuple(self.service.app.request_log.list_requests(since))
        result = RunResult(
            report=report, error=error, requests=requests, crash_points=tuple(self.memory.crash_points.passed)
        )
        self.memory.crash_points = CrashPoints()
        self.memory.live_holders.clear()
        return result

    def plan(self, tree: ManifestTree) -> PlanResult:
        """Plan a tree."""
        run = self.run(tree)
        with run.service, self._without_threads():
            return plan_workspace(run, PlanOptions())

    @contextmanager
    def _without_threads(self) -> Iterator[None]:
        # Without threads, each run has the same crash points in the same order.
        with pytest.MonkeyPatch.context() as patch:
            if self.parallelism == 1 and not self.sockets:
                patch.setattr(executor, "ThreadPoolExecutor", InlineExecutor)
                patch.setattr(parallel, "ThreadPoolExecutor", InlineExecutor)
                patch.setattr(parallel, "Thread", InlineThread)
            yield

    def _next(self) -> int:
        self._counter += 1
        return self._counter


def _agree(planned: PlanResult) -> bool:
    if planned.plan.blocking_diagnostics:
        raise DiagnosticError(*planned.plan.blocking_diagnostics)
    return True


def unmanaged() -> dict[str, Any]:
    """Return objects that were created in the UI and are unmanaged."""
    config = {**HOST, "engine": "postgresql", "username": "person"}
    return {
        "credentials": [{"id": "cred_ui", "name": "made-in-ui", "type": "database", "config": config}],
        "connections": [
            {
                "id": "conn_ui",
                "name": "ui-link",
                "type": "postgres",
                "credentialId": "cred_ui",
                "config": {**HOST, "database": "ui"},
            }
        ],
    }


def _git(repo: Repository, *words: str) -> str:
    done = subprocess.run(
        [*GIT, *words], cwd=repo.root, check=True, env=repo.environment(), capture_output=True, text=True
    )
    return done.stdout.strip()
