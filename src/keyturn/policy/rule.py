"""Rule: one code, one small function, and what it has to know."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from enum import Enum
from typing import TypeAlias

from msgspec import Struct, field

from keyturn.catalog import find_code
from keyturn.core.address import Origin
from keyturn.core.diagnostic import Cause, Severity
from keyturn.core.fields import Path
from keyturn.core.resource import EMPTY
from keyturn.core.secret import Secret
from keyturn.policy.fleet import Fleet
from keyturn.policy.settings import Settings
from keyturn.policy.subject import Subject


class Needs(Enum):
    """What a rule cannot speak without."""

    MANIFEST = "manifest"
    FLEET = "fleet"
    HISTORY = "history"
    SECRETS = "secrets"


class Found(Struct, frozen=True, kw_only=True):
    """A place that breaks a rule. ``hint`` empty stands for the fix of the rule's code.

    ``subject`` is None where the project as a whole is meant. ``key`` asks for the place of the
    key at ``path`` instead of that of its value.
    """

    message: str
    subject: Subject | None = None
    path: Path = ()
    hint: str = ""
    key: bool = False

    def origin(self, project: Origin) -> Origin:
        """Return the place; ``project`` is the one of what belongs to no manifest."""
        return project if self.subject is None else self.subject.origin(self.path, key=self.key)


class Context(Struct, frozen=True, kw_only=True):
    """What is known besides the manifests, all of it keyed by a manifest's file.

    ``rotated`` says when the secret at a path last changed, ``()`` standing for all that are not
    named; ``shallow`` that the history it was read from is cut, ``lost`` in words why the rest of it
    could not be read. ``whole`` says that the subjects
    are all there are. ``fingerprints`` are comparable within one run and nowhere else. ``secrets``
    are the opened ones, by path below ``secrets``. ``connectors`` are the ids that the gallery is
    known to have; there are others.
    """

    today: date
    rotated: Mapping[str, Mapping[Path, date]] = field(default_factory=lambda: EMPTY)
    shallow: bool = False
    lost: str = ""
    whole: bool = True
    connectors: tuple[str, ...] = ()
    fingerprints: Mapping[tuple[str, Path], str] = field(default_factory=lambda: EMPTY)
    secrets: Mapping[str, Mapping[Path, Secret]] = field(default_factory=lambda: EMPTY)

    def provides(self, needs: Needs) -> bool:
        """Tell whether a rule with these needs sees all that it has to."""
        return {
            Needs.MANIFEST: True,
            Needs.FLEET: self.whole,
            Needs.HISTORY: bool(self.rotated),
            Needs.SECRETS: bool(self.secrets or self.fingerprints),
        }[needs]


class Scope(Struct, frozen=True):
    """All that one run of the rules looks at."""

    fleet: Fleet
    settings: Settings
    context: Context


class Rule(Struct, frozen=True, kw_only=True):
    """A rule: its code, what it weighs unless settings say otherwise, what it needs, how it looks."""

    code: str
    severity: Severity
    needs: Needs
    check: Callable[[Scope], Iterable[Found]]
    cause: Cause = Cause.OTHER

    @property
    def title(self) -> str:
        """What the rule finds, in a few words."""
        return find_code(self.code).title


OnManifest: TypeAlias = Callable[[Subject, Settings], Iterable[Found]]
OnDay: TypeAlias = Callable[[Subject, Settings, date], Iterable[Found]]
OnFleet: TypeAlias = Callable[[Fleet, Settings], Iterable[Found]]
OnContext: TypeAlias = Callable[[Fleet, Settings, Context], Iterable[Found]]


def on_manifest(code: str, severity: Severity, look: OnManifest, *, cause: Cause = Cause.OTHER) -> Rule:
    """Return a rule that looks at each manifest alone."""

    def check(scope: Scope) -> Iterable[Found]:
        return (found for subject in scope.fleet.subjects for found in look(subject, scope.settings))

    return Rule(code=code, severity=severity, needs=Needs.MANIFEST, check=check, cause=cause)


def on_day(code: str, severity: Severity, look: OnDay) -> Rule:
    """Return a rule that looks at each manifest alone, on a certain day."""

    def check(scope: Scope) -> Iterable[Found]:
        today = scope.context.today
        return (found for subject in scope.fleet.subjects for found in look(subject, scope.settings, today))

    return Rule(code=code, severity=severity, needs=Needs.MANIFEST, check=check)


def on_fleet(
    code: str,
    severity: Severity,
    look: OnFleet,
    needs: Needs = Needs.FLEET,
    *,
    cause: Cause = Cause.OTHER,
) -> Rule:
    """Return a rule that looks at all manifests side by side, or goes through them at once."""
    return Rule(
        code=code,
        severity=severity,
        needs=needs,
        check=lambda scope: look(scope.fleet, scope.settings),
        cause=cause,
    )


def on_context(code: str, severity: Severity, needs: Needs, look: OnContext) -> Rule:
    """Return a rule that looks at what is known besides the manifests."""
    return Rule(
        code=code,
        severity=severity,
        needs=needs,
        check=lambda scope: look(scope.fleet, scope.settings, scope.context),
    )
