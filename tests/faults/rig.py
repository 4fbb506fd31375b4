"""The rig of the campaign: a real plan and apply against the real emulator, in one process and in no time.

Manifests are written once for a scene and opened once, the emulator's rows and the state are kept
and put back for each case, and all waiting is done by two clocks that move together.
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

from faults.memory import Doors, Killed, Memory
from faults.scenes import GOING, HOST, Scene, Write
from faults.straight import AtOnce, Inline, Near, Straight, Ticking, writes
from faults.trees import Once, Stage, Tree, passwords
from keys import AgeKey
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
class Hour:
    """The time of keyturn and of the service: it moves when somebody waits, and with each request.

    ``skew`` is how far the clock on our wall is ahead of the service's.
    """

    service: Emulator
    now: float = START
    skew: float = 0.0
    naps: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Let time pass on both sides."""
        self.naps.append(seconds)
        self.pass_by(seconds)

    def pass_by(self, seconds: float) -> None:
        """Let time pass without a word."""
        self.now += seconds
        self.service.deployment.clock.advance(seconds)

    def wall(self) -> float:
        """Return what our own clock shows, in Unix seconds."""
        return self.now + self.skew

    def clock(self) -> RunClock:
        """Return the clocks as the state takes them."""
        return RunClock(now=lambda: datetime.fromtimestamp(self.wall(), UTC), monotonic=lambda: self.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """How one run went: its report, or what it ended with; its part of the service's log."""

    report: ApplyReport | None = None
    error: BaseException | None = None
    requests: tuple[dict[str, Any], ...] = ()
    doors: tuple[str, ...] = ()

    @property
    def killed(self) -> bool:
        """Whether the process died."""
        return isinstance(self.error, Killed)

    @property
    def writes(self) -> int:
        """How many requests could have changed something."""
        return sum(writes(each["method"], each["path"]) for each in self.requests)


class Rig:
    """One emulator, one state, and all scenes on them, one at a time."""

    def __init__(self, folder: Path, age: AgeKey, once: Once) -> None:
        self.service = Near.start()
        self.folder, self.age, self.once = folder, age, once
        self.minted: dict[str, str] = {}
        self.watch: Callable[[str], object] = lambda _: None
        self.sockets = False
        self.met: list[dict[str, Any]] = []
        self.app = self.service.app
        self.hour = Hour(self.service)
        self.memory = Memory(self.hour.wall)
        self.parallelism = 1
        self.on_request: Callable[[Request], None] = lambda _: None
        self._counter = 0
        self.stage_of = cache(self._staged)

    def mint(self, label: str) -> str:
        """Return the secret of this name; it is made when it is first asked for."""
        if label not in self.minted:
            self.minted[label] = secrets.token_hex(12)
            self.watch(self.minted[label])
        return self.minted[label]

    # Scenes ------------------------------------------------------------------------------------------

    def _staged(self, scene: Scene) -> Stage:
        self.clear()
        root = self.folder / scene.name.replace(" ", "-")
        repo = Repository(root, self.age, self.service.base_url, self.service.organization)
        repo.key = self.service.key
        (root / "manifests/prod").mkdir(parents=True)
        self.service.seed_objects(**unmanaged())
        first = self._tree(repo, scene.before)
        self.settle_on(first, Approvals())
        second = self._tree(repo, scene.gone)
        self.settle_on(second, GOING)
        scene.meanwhile(self.service)
        after = self._tree(repo, scene.after)
        return Stage(
            scene=scene,
            first=first,
            before=second,
            after=after,
            rows=self.service.deployment.store.list_records(),
            state=self.memory.kept(),
            at=self.hour.now,
        )

    def _tree(self, repo: Repository, write: Write) -> Tree:
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
        return Tree(project=project, desired=desired, commit=commit)

    def settle_on(self, tree: Tree, consents: Approvals) -> None:
        """Apply a tree without any trouble."""
        act = self.apply(tree, consents)
        assert act.error is None, act.error
        assert act.report is not None
        assert all(each.outcome_status.value == "done" for each in act.report.outcomes), act.report.outcomes

    def clear(self) -> None:
        """Begin with nothing anywhere."""
        self.service.reset(settings=True)
        self.hour.now, self.hour.skew = START, 0.0
        self.service.set_clock(hold=START)
        self.memory.put_back(({}, b""))
        self.memory.doors, self.memory.tears = Doors(), False
        self.service.deployment.targets.replace_targets(())

    def begin(self, stage: Stage, *faults: dict[str, Any], **settings: Any) -> None:
        """Put a scene's beginning back, with faults from the first request on and settings of the service."""
        deployment = self.service.deployment
        self.clear()
        self.hour.now = stage.at
        self.service.set_clock(hold=stage.at)
        deployment.store.save_records(*stage.rows)
        self.memory.put_back(stage.state)
        deployment.clear_history()
        self.service.app.faults.replace_faults(parse_faults(list(faults)))
        if settings:
            self.service.change_settings(**settings)
        if stage.scene.refused or stage.scene.accepts:
            self.service.set_targets(list(self._targets(stage)))

    def _targets(self, stage: Stage) -> Iterator[dict[str, Any]]:
        refused = {self.mint(label) for label in stage.scene.refused}
        takes = {host: self.mint(label) if label else "" for host, label in stage.scene.accepts}
        for host in takes or [HOST["host"]]:
            right = {each for each in passwords(stage) if takes.get(host, each) == each} - refused
            yield {"type": "postgres", "match": {"host": host}, "accepts": {"password": sorted(right)}}

    # Runs --------------------------------------------------------------------------------------------

    def run(self, tree: Tree) -> RunContext:
        """Return the doors of a run over a tree."""
        return RunContext(
            root=tree.project.root,
            project=tree.project,
            workspace=tree.project.find_workspace(),
            service=self._client(),
            store=self.memory,
            clock=self.hour.clock(),
            sleep=self.hour.sleep,
            new_id=lambda: hashlib.sha256(str(self._next()).encode()).hexdigest()[:16],
            environment={"SOPS_AGE_KEY_FILE": str(self.age.file)},
            actor=Actor(who="tester", host="here", commit=tree.commit),
        )

    def _client(self) -> Client:
        if self.sockets:
            return self.client_over(self._open_sockets())
        exchange = Straight(
            self.app,
            self.service.key,
            self.memory.doors,
            self.on_request,
            self.memory.doors.lock,
        )
        return self.client_over(exchange)

    def _open_sockets(self) -> HttpTransport:
        url = parse_service_url(self.service.base_url)
        headers = {"Authorization": encode_bearer_token(Secret(self.service.key), "a test")}
        return HttpTransport(url, headers, self._tempo(), build_connection_factory(url))

    def client_over(self, transport: RequestTransport) -> Client:
        """Return a client over a transport; each request takes 2 ms of the clock."""
        return Client(Ticking(transport, self.hour.pass_by), self._tempo())

    def _tempo(self) -> ClientClock:
        return ClientClock(
            monotonic=lambda: self.hour.now,
            now=self.hour.wall,
            sleep=self.hour.sleep,
            random_fraction=lambda: 0.5,
        )

    def apply(self, tree: Tree, consents: Approvals, doors: Doors | None = None, **more: Any) -> Act:
        """Apply a tree; whatever comes of it is in the act, a death too."""
        self.memory.doors = doors or Doors()
        since = len(self.service.app.request_log)
        report, error, run = None, None, self.run(tree)
        try:
            terms = ApplyOptions(parallelism=self.parallelism, **more)
            with self._crew():
                report = apply_plan(run, PlanOptions(approvals=consents), terms, _agree)
        except (Killed, DiagnosticError, ServiceError) as raised:
            error = raised
        run.service.close()
        requests = tuple(self.service.app.request_log.list_requests(since))
        act = Act(report=report, error=error, requests=requests, doors=tuple(self.memory.doors.passed))
        self.memory.doors = Doors()
        self.memory.living.clear()
        return act

    def plan(self, tree: Tree) -> PlanResult:
        """Plan a tree."""
        run = self.run(tree)
        with run.service, self._crew():
            return plan_workspace(run, PlanOptions())

    @contextmanager
    def _crew(self) -> Iterator[None]:
        # One at a time needs no threads, and has the same doors in the same order each time.
        with pytest.MonkeyPatch.context() as patch:
            if self.parallelism == 1 and not self.sockets:
                patch.setattr(executor, "ThreadPoolExecutor", Inline)
                patch.setattr(parallel, "ThreadPoolExecutor", Inline)
                patch.setattr(parallel, "Thread", AtOnce)
            yield

    def _next(self) -> int:
        self._counter += 1
        return self._counter


def _agree(planned: PlanResult) -> bool:
    if planned.plan.blocking_diagnostics:
        raise DiagnosticError(*planned.plan.blocking_diagnostics)
    return True


def unmanaged() -> dict[str, Any]:
    """Return what people made in the UI: nothing of it is ours."""
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
