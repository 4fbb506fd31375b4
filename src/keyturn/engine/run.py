"""What a run works with: handed in once, and never looked up elsewhere."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from msgspec import Struct, field

from keyturn.api.client import Client
from keyturn.engine.watch import Watch
from keyturn.ledger.clock import Clock
from keyturn.ledger.medium import Store
from keyturn.load.project import Project, Workspace


class Author(Struct, frozen=True, kw_only=True):
    """Who runs this, where, and of which commit: for the lock and the journal."""

    who: str
    host: str
    url: str = ""
    commit: str = ""
    tool: str = ""


class Run(Struct, frozen=True, kw_only=True):
    """The doors of a run: files, service, ledger, clock, chance.

    ``fresh`` gives a new random id at each call; ``sleep`` waits for seconds; ``watch`` hears
    what a plan is at. A ``with`` statement closes its connections to the service.
    """

    root: Path
    project: Project
    workspace: Workspace
    service: Client
    store: Store
    clock: Clock
    sleep: Callable[[float], None]
    fresh: Callable[[], str]
    environment: Mapping[str, str]
    author: Author
    watch: Watch = field(default_factory=Watch)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the service."""
        self.service.close()
