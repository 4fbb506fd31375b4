"""What a view is made of: sections of entries, entries with details; raw text, not yet made safe."""

from collections.abc import Mapping
from enum import Enum
from math import ceil
from typing import TypeAlias

from msgspec import Struct, field

from keyturn.model.diagnostic import pluralize_or_none
from keyturn.model.resource import EMPTY
from keyturn.views.diagram import DependencyLink
from keyturn.views.terminal import Tone


class SectionKind(Enum):
    """The classes of what a plan shows, gravest first: the order in which they are drawn."""

    EXPOSURE = "exposure"
    ACCESS = "access"
    RETIRE = "retire"
    REPLACE = "replace"
    ROTATE = "rotate"
    RESTORE = "restore"
    RENAME = "rename"
    CREATE = "create"
    UPDATE = "update"
    ADOPT = "adopt"
    FORGET = "forget"
    UNCERTAIN = "doubt"
    MANUAL = "manual"
    DIAGNOSTIC = "finding"


class FieldRow(Struct, frozen=True, kw_only=True):
    """A plain field: ``mark`` is ``+`` where it comes, ``-`` where it goes, ``~`` where it changes.

    ``applied`` is filled for drift alone: what keyturn wrote before somebody changed it.
    """

    path: str
    mark: str
    before: str
    after: str
    applied: str = ""


class SecretRow(Struct, frozen=True):
    """A secret field: its state in one word and the reason."""

    path: str
    state: str
    reason: str


class NoteRow(Struct, frozen=True):
    """Anything else that is worth a line: what it is about, and what there is to say."""

    topic: str
    text: str


DetailRow: TypeAlias = FieldRow | SecretRow | NoteRow


class PlanEntry(Struct, frozen=True, kw_only=True):
    """One line of a section, with the details below it; ``count`` things of one text share it."""

    symbol: str
    label: str
    headline: str
    tone: Tone
    location: str = ""
    details: tuple[DetailRow, ...] = ()
    count: int = 1


class PlanSection(Struct, frozen=True, kw_only=True):
    """Entries of one class."""

    kind: SectionKind
    title: str
    tone: Tone
    entries: tuple[PlanEntry, ...]

    @property
    def total_count(self) -> int:
        """How many things the entries tell of."""
        return sum(entry.count for entry in self.entries)


class PlanView(Struct, frozen=True, kw_only=True):
    """What is shown of a plan, decided once and drawn as text, markdown and HTML.

    ``repeated`` are the entries that expose, open or destroy: shown again at the end. ``approve`` is
    the command that approves the plan, empty where an apply would not take it. ``marked``
    names the nodes of ``links`` that the plan changes, with the word for it.
    """

    workspace: str
    organization: str
    sections: tuple[PlanSection, ...]
    repeated: tuple[PlanEntry, ...]
    counts: Mapping[str, int]
    attention_count: int
    error_count: int
    summary: str
    approve_command: str
    requests: int
    resources: int
    offline: bool
    links: tuple[DependencyLink, ...] = ()
    node_marks: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    pace: float = 0.0

    @property
    def cost_summary(self) -> str:
        """About how many requests an apply makes, and how long they take at the pace; empty for none."""
        if not self.requests:
            return ""
        return f"An apply makes about {pluralize_or_none(self.requests, 'request')}{_format_duration(self.requests, self.pace)}."


_MINUTES_THRESHOLD = 120
"""Seconds above which a time is told in minutes."""


def _format_duration(requests: int, pace: float) -> str:
    if pace <= 0:
        return ""
    seconds = ceil(requests / pace)
    long = f"{ceil(seconds / 60):,} min" if seconds > _MINUTES_THRESHOLD else f"{seconds} s"
    return f", {long} at {pace:g}/s"
