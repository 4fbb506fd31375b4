"""Rule: one code, one small function, and what it has to know."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from enum import Enum
from types import MappingProxyType
from typing import TypeAlias

from msgspec import Struct, field

from keyturn.catalog import find_code
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Cause, Severity
from keyturn.model.fields import FieldPath
from keyturn.model.resource import EMPTY
from keyturn.model.secret import Secret
from keyturn.policy.manifest_index import ManifestIndex
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.settings import PolicySettings


class Requires(Enum):
    """What a rule cannot speak without."""

    MANIFEST = "manifest"
    ALL_MANIFESTS = "fleet"
    HISTORY = "history"
    SECRETS = "secrets"


class Violation(Struct, frozen=True, kw_only=True):
    """A place that breaks a rule. ``hint`` empty stands for the fix of the rule's code.

    ``subject`` is None where the project as a whole is meant. ``key`` asks for the place of the
    key at ``path`` instead of that of its value.
    """

    message: str
    resource: ResourceView | None = None
    path: FieldPath = ()
    hint: str = ""
    at_key: bool = False

    def find_location(self, project: SourceLocation) -> SourceLocation:
        """Return the place; ``project`` is the one of what belongs to no manifest."""
        return project if self.resource is None else self.resource.find_location(self.path, key=self.at_key)


class RuleContext(Struct, frozen=True, kw_only=True):
    """What is known besides the manifests, all of it keyed by a manifest's file.

    ``rotated`` says when the secret at a path last changed, ``()`` standing for all that are not
    named; ``shallow`` that the history it was read from is cut, ``lost`` in words why the rest of it
    could not be read. ``whole`` says that the subjects
    are all there are. ``fingerprints`` are comparable within one run and nowhere else. ``secrets``
    are the opened ones, by path below ``secrets``. ``connectors`` are the ids that the gallery is
    known to have; there are others.
    """

    today: date
    rotated: Mapping[str, Mapping[FieldPath, date]] = field(default_factory=lambda: EMPTY)
    shallow_history: bool = False
    history_error: str = ""
    complete: bool = True
    connectors: tuple[str, ...] = ()
    fingerprints: Mapping[tuple[str, FieldPath], str] = field(default_factory=lambda: EMPTY)
    secrets: Mapping[str, Mapping[FieldPath, Secret]] = field(default_factory=lambda: EMPTY)

    def can_satisfy(self, needs: Requires) -> bool:
        """Tell whether a rule with these needs sees all that it has to."""
        return {
            Requires.MANIFEST: True,
            Requires.ALL_MANIFESTS: self.complete,
            Requires.HISTORY: bool(self.rotated),
            Requires.SECRETS: bool(self.secrets or self.fingerprints),
        }[needs]


class RuleScope(Struct, frozen=True):
    """All that one run of the rules looks at."""

    index: ManifestIndex
    settings: PolicySettings
    context: RuleContext


class Rule(Struct, frozen=True, kw_only=True):
    """A rule: its code, what it weighs unless settings say otherwise, what it needs, how it looks."""

    code: str
    severity: Severity
    requires: Requires
    check: Callable[[RuleScope], Iterable[Violation]]
    cause: Cause = Cause.OTHER

    @property
    def title(self) -> str:
        """What the rule finds, in a few words."""
        return find_code(self.code).title


OnManifest: TypeAlias = Callable[[ResourceView, PolicySettings], Iterable[Violation]]
OnDay: TypeAlias = Callable[[ResourceView, PolicySettings, date], Iterable[Violation]]
OnIndex: TypeAlias = Callable[[ManifestIndex, PolicySettings], Iterable[Violation]]
OnContext: TypeAlias = Callable[[ManifestIndex, PolicySettings, RuleContext], Iterable[Violation]]


def on_manifest(code: str, severity: Severity, look: OnManifest, *, cause: Cause = Cause.OTHER) -> Rule:
    """Return a rule that looks at each manifest alone."""

    def check_each(scope: RuleScope) -> Iterable[Violation]:
        return (found for subject in scope.index.resources for found in look(subject, scope.settings))

    return Rule(code=code, severity=severity, requires=Requires.MANIFEST, check=check_each, cause=cause)


def on_day(code: str, severity: Severity, look: OnDay) -> Rule:
    """Return a rule that looks at each manifest alone, on a certain day."""

    def check_each(scope: RuleScope) -> Iterable[Violation]:
        today = scope.context.today
        return (found for subject in scope.index.resources for found in look(subject, scope.settings, today))

    return Rule(code=code, severity=severity, requires=Requires.MANIFEST, check=check_each)


def on_index(
    code: str,
    severity: Severity,
    look: OnIndex,
    needs: Requires = Requires.ALL_MANIFESTS,
    *,
    cause: Cause = Cause.OTHER,
) -> Rule:
    """Return a rule that looks at all manifests side by side, or goes through them at once."""
    return Rule(
        code=code,
        severity=severity,
        requires=needs,
        check=lambda scope: look(scope.index, scope.settings),
        cause=cause,
    )


def on_context(code: str, severity: Severity, needs: Requires, look: OnContext) -> Rule:
    """Return a rule that looks at what is known besides the manifests."""
    return Rule(
        code=code,
        severity=severity,
        requires=needs,
        check=lambda scope: look(scope.index, scope.settings, scope.context),
    )


_FINGERPRINT_FRAMING = b"keyturn policy likeness\0"


def run_fingerprints(
    secrets: Mapping[str, Mapping[FieldPath, Secret]], key: bytes
) -> Mapping[tuple[str, FieldPath], str]:
    """Return a fingerprint of each secret, by file and path, as ``Context`` takes them.

    Equal secrets have equal fingerprints wherever they stand. ``key`` is 32 random bytes, made for
    one run and kept nowhere, so that nothing can be compared with what another run said.
    """
    return MappingProxyType(
        {
            (file, path): secret.compute_hmac(key, _FINGERPRINT_FRAMING)
            for file, fields in secrets.items()
            for path, secret in fields.items()
        }
    )
