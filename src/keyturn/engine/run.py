"""What a run works with: handed in once, and never looked up elsewhere."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from msgspec import Struct, field

from keyturn.api.client import Client
from keyturn.engine.watch import ProgressListener
from keyturn.ledger.clock import RunClock
from keyturn.ledger.medium import StateStore
from keyturn.load.project import Project, Workspace


class Actor(Struct, frozen=True, kw_only=True):
    """Who runs this, where, and of which commit: for the lock and the journal."""

    who: str
    host: str
    url: str = ""
    commit: str = ""
    tool: str = ""


class RunContext(Struct, frozen=True, kw_only=True):
    """The doors of a run: files, service, ledger, clock, chance.

    ``fresh`` gives a new random id at each call; ``sleep`` waits for seconds; ``watch`` hears
    what a plan is at. A ``with`` statement closes its connections to the service.
    """

    root: Path
    project: Project
    workspace: Workspace
    service: Client
    store: StateStore
    clock: RunClock
    sleep: Callable[[float], None]
    new_id: Callable[[], str]
    environment: Mapping[str, str]
    actor: Actor
    progress: ProgressListener = field(default_factory=ProgressListener)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the service."""
        self.service.close()
