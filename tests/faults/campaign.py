"""One case of the campaign: trouble in the first run, two more runs without, then nothing may be wrong."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from faults.invariants import Auditor, check
from faults.memory import Doors
from faults.rig import Act, Rig
from faults.scenes import Scene
from faults.trees import Stage
from keyturn.client.messages import Request
from keyturn.model.change import OutcomeStatus
from keyturn.state.reader import load_state
from planasonix_emulator.settings import EmulatorSettings, change_settings

Fault = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A scene with its trouble.

    ``faults`` are the emulator's, ``at`` the door at which the first run dies (0: none), ``again``
    that at which the second does; ``settings`` are the service's;
    ``keeps`` names an object to which somebody adds a ``note``, which nobody may take away;
    ``turns`` are settings that the service has in the first run only, from its request ``turn`` on.
    """

    scene: Scene
    faults: tuple[Fault, ...] = ()
    at: int = 0
    again: int = 0
    tears: bool = False
    keeps: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    turns: dict[str, Any] = field(default_factory=dict)
    turn: int = 1

    def __str__(self) -> str:
        """Say what happens, for the one who has to repeat it."""
        deaths = f"at={self.at} again={self.again} tears={self.tears}"
        turns = f"{self.turns} from {self.turn}" if self.turns else ""
        return f"{self.scene.name}: faults={self.faults} {deaths} {self.settings} {turns}"


def run(rig: Rig, case: Case) -> list[str]:
    """Return what was broken in a case; nothing, if all is well."""
    stage = rig.stage_of(case.scene)
    rig.begin(stage, *case.faults, **case.settings)
    auditor = Auditor(rig)
    rig.on_request = _turning(rig, case, auditor) if case.turns else auditor
    rig.memory.tears = case.tears
    acts = [rig.apply(stage.after, case.scene.consents, Doors(case.at))]
    if case.turns:
        rig.on_request = auditor
        rig.service.change_settings(**{name: getattr(EmulatorSettings(), name) for name in case.turns})
    rig.met = rig.service.app.faults.list_faults()
    rig.service.app.faults.replace_faults(())
    if case.again:
        acts.append(rig.apply(stage.after, case.scene.consents, Doors(case.again)))
    rig.memory.tears = False
    if case.settings.get("list_lag_seconds"):
        rig.hour.pass_by(1.0)
        acts.append(rig.apply(stage.after, case.scene.consents))
        rig.service.change_settings(list_lag_seconds=0.0)
    broken = [*_unfinished(case, acts[0])]
    broken += [*finish(rig, stage, acts), *auditor.broken, *_lost_note(rig, case)]
    return [] if case.faults and _told(acts[0]) and all(line.startswith("I3") for line in broken) else broken


def finish(rig: Rig, stage: Stage, acts: list[Act]) -> list[str]:
    """Let all trouble be over, run twice at most, and return what is broken then."""
    consents = stage.scene.consents
    for pause in (1.0, 60.0):
        rig.hour.pass_by(pause)
        if (
            not acts[-1].killed
            and acts[-1].error is None
            and rig.plan(stage.after).plan.is_empty
            and _settled(rig)
        ):
            break
        acts.append(rig.apply(stage.after, consents))
    rig.hour.pass_by(60.0)
    if stage.scene.refused:
        return check(rig, stage, acts, stage.before)
    last = rig.plan(stage.after)
    broken = check(rig, stage, acts)
    if not last.plan.is_empty:
        broken.append(
            f"I6: still to do: {[f'{each.action.value} {each.address}' for each in last.plan.changes]}"
        )
    if last.plan.blocking_diagnostics:
        broken.append(f"I7: blocked by {[each.code for each in last.plan.blocking_diagnostics]}")
    return broken


def _turning(rig: Rig, case: Case, auditor: Auditor) -> Callable[[Request], None]:
    numbers = count(1)

    def heard(call: Request) -> None:
        if next(numbers) == case.turn:
            rig.service.deployment.settings = change_settings(rig.service.deployment.settings, case.turns)
        auditor(call)

    return heard


def _unfinished(case: Case, act: Act) -> Iterator[str]:
    if case.faults or case.at or case.turns or case.scene.refused or act.report is None:
        return
    for each in act.report.outcomes:
        if each.outcome_status is not OutcomeStatus.DONE:
            yield f"I7: {each.address} is {each.outcome_status.value} without any trouble: {each.message}"


def _lost_note(rig: Rig, case: Case) -> Iterator[str]:
    met = any(each["met"] >= each["at"] for each in rig.met)
    for record in rig.service.deployment.store.list_records():
        if met and record.name == case.keeps and record.plain_config().get("note") != "kept":
            yield f"I4: what somebody added to {case.keeps} is gone"


def _told(act: Act) -> bool:
    # Whether a service took a secret cannot be read back: where it may not have, that is said.
    return bool(act.report) and any("no sign" in each for one in act.report.outcomes for each in one.warnings)


def _settled(rig: Rig) -> bool:
    return not load_state(rig.memory, "prod", rig.service.organization).state.open_intents


def smooth(rig: Rig, scene: Scene, *faults: Fault, at: int = 0, **settings: Any) -> Act:
    """Run a scene to learn its doors and requests; with ``at``, a death, those of the run that mends it."""
    stage = rig.stage_of(scene)
    rig.begin(stage, *faults, **settings)
    rig.on_request = lambda _: None
    act = rig.apply(stage.after, scene.consents, Doors(at))
    return rig.apply(stage.after, scene.consents) if at else act


def deaths(act: Act, since: int = 1) -> list[int]:
    """Return the doors, from a number on, at which a death leaves the world in another state than the last.

    Between the end of one thing that a run does and the beginning of the next, nothing that lasts
    happens: who dies before the next leaves exactly what is left by who dies after the last.
    """
    return [n for n, name in enumerate(act.doors, 1) if n >= since and name.endswith(", done")]


LOST: tuple[Fault, ...] = (
    {"kind": "drop_after"},
    {"kind": "status_after", "status": 500},
    {"kind": "status_after", "status": 503},
    {"kind": "status_after", "status": 408},
    {"kind": "hang_after"},
    {"kind": "truncate_after"},
    {"kind": "invalid_after"},
    {"kind": "empty_after"},
    {"kind": "other_object"},
)
"""The work is done and the answer is lost, or says something else."""

REFUSED: tuple[Fault, ...] = (
    {"kind": "drop_before"},
    {"kind": "hang"},
    {"kind": "status_before", "status": 500},
    {"kind": "status_before", "status": 503},
    {"kind": "rate_limit", "retry_after": "2"},
    {"kind": "rate_limit", "retry_after": "", "times": 9},
    {"kind": "status_before", "status": 500, "times": 3},
    {"kind": "status_before", "status": 401},
    {"kind": "status_before", "status": 403},
    {"kind": "status_before", "status": 404},
    {"kind": "status_before", "status": 409},
    {"kind": "ignore"},
)
"""Nothing is done, with and without a word."""


EDITS: tuple[Fault, ...] = tuple(
    {
        "kind": f"edit_{when}",
        "path": f"/api/{collection}/*_0*",
        "edit": {"change": {"config": {field: "edited"}}},
    }
    for when in ("before", "inside", "after")
    for collection, field in (("credentials", "username"), ("connections", "database"))
)
"""Somebody edits, in the UI, the very object that a request is about, if it is one of ours."""

LAGS = (0.4, 2.0, 10.0)
"""Seconds by which lists lag behind."""


PUTS: tuple[dict[str, str], ...] = tuple(
    {"credential_put": one, "connection_put": other}
    for one in ("merge", "replace", "wipe", "whole")
    for other in ("replace", "merge", "whole")
)
"""What becomes of that which a PUT does not send."""


def singles(requests: int, faults: tuple[Fault, ...]) -> Iterator[Fault]:
    """Yield each fault at each request."""
    for number in range(1, requests + 1):
        for fault in faults:
            yield {**fault, "at": number}
