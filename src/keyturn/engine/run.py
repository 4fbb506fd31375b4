"""What a run works with: handed in once by the command line, and never looked up elsewhere."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from keyturn.api.client import Client
from keyturn.ledger.clock import Clock
from keyturn.ledger.medium import Store
from keyturn.load.project import Project, Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who runs this, where, and of which commit: for the lock and the journal."""

    who: str
    host: str
    url: str = ""
    commit: str = ""
    tool: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The doors of a run: files, service, ledger, clock, chance.

    ``fresh`` gives a new random id at each call; ``sleep`` waits for seconds.
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
