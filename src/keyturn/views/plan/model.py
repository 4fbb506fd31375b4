"""The view of a plan: sections of entries with details; the text is not yet escaped."""

from collections.abc import Mapping
from enum import Enum
from math import ceil
from typing import Final, TypeAlias

from msgspec import Struct, field

from keyturn.model.diagnostic import pluralize
from keyturn.model.resource import EMPTY
from keyturn.views.diagram import DependencyLink
from keyturn.views.terminal import Tone

_MINUTES_THRESHOLD: Final = 120
"""Durations above this number of seconds are shown in minutes."""


class SectionKind(Enum):
    """The sections of a plan, most risky first."""

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
    UNCERTAIN = "uncertain"
    MANUAL = "manual"
    DIAGNOSTIC = "finding"


class FieldRow(Struct, frozen=True, kw_only=True):
    """A plain field: ``mark`` is ``+`` for an added, ``-`` for a removed, ``~`` for a changed value.

    ``applied`` is the last applied value of a field that drifted, otherwise empty.
    """

    path: str
    mark: str
    before: str
    after: str
    applied: str = ""


class SecretRow(Struct, frozen=True):
    """A secret field: its status and the reason."""

    path: str
    status: str
    reason: str


class NoteRow(Struct, frozen=True):
    """Another detail: a topic and a text."""

    topic: str
    text: str


DetailRow: TypeAlias = FieldRow | SecretRow | NoteRow


class PlanEntry(Struct, frozen=True, kw_only=True):
    """One line of a section, with its details; it stands for ``count`` items with the same text."""

    symbol: str
    label: str
    headline: str
    tone: Tone
    location: str = ""
    details: tuple[DetailRow, ...] = ()
    count: int = 1


class PlanSection(Struct, frozen=True, kw_only=True):
    """The entries of one section."""

    kind: SectionKind
    title: str
    tone: Tone
    entries: tuple[PlanEntry, ...]

    @property
    def total_count(self) -> int:
        """The number of items that the entries stand for."""
        return sum(entry.count for entry in self.entries)


class PlanView(Struct, frozen=True, kw_only=True):
    """The content of a plan, rendered as text, Markdown and HTML.

    ``repeated`` are the risky entries, shown again at the end: exposures, access changes, retirements
    and replacements. ``blocked_summary`` is empty without errors. ``approve_command`` is empty if an
    apply would reject the plan; ``next_steps`` then say what to do. ``node_marks`` maps the changed nodes
    of ``links`` to a word. ``base_summary`` says what an offline plan compares with, and why.
    """

    workspace: str
    organization: str
    sections: tuple[PlanSection, ...]
    repeated: tuple[PlanEntry, ...]
    counts: Mapping[str, int]
    attention_count: int
    blocked_summary: str
    summary: str
    approve_command: str
    requests: int
    resources: int
    offline: bool
    next_steps: tuple[str, ...] = ()
    links: tuple[DependencyLink, ...] = ()
    node_marks: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    pace: float = 0.0
    base_summary: str = ""

    @property
    def cost_summary(self) -> str:
        """The estimated number of requests of an apply and their duration; empty for no requests."""
        if not self.requests:
            return ""
        requests = pluralize(self.requests, "request")
        return f"An apply makes about {requests}{_format_duration(self.requests, self.pace)}."


def _format_duration(requests: int, pace: float) -> str:
    if pace <= 0:
        return ""
    seconds = ceil(requests / pace)
    duration = f"{ceil(seconds / 60):,} min" if seconds > _MINUTES_THRESHOLD else f"{seconds} s"
    return f", {duration} at {pace:g}/s"
