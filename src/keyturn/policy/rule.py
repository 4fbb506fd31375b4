"""A policy rule: a code, a check and the data that the check requires."""

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

_FINGERPRINT_FRAMING = b"keyturn policy likeness\0"


class Requires(Enum):
    """The data that a rule requires."""

    MANIFEST = "manifest"
    ALL_MANIFESTS = "all_manifests"
    HISTORY = "history"
    SECRETS = "secrets"


class Violation(Struct, frozen=True, kw_only=True):
    """A location that breaks a rule.

    An empty ``hint`` stands for the hint of the rule's code. ``resource`` is None for a violation of
    the project as a whole. With ``at_key``, the location is that of the key at ``path``, not its value.
    """

    message: str
    resource: ResourceView | None = None
    path: FieldPath = ()
    hint: str = ""
    at_key: bool = False

    def find_location(self, project: SourceLocation) -> SourceLocation:
        """Return the location; ``project`` is the location of violations without a manifest."""
        return project if self.resource is None else self.resource.find_location(self.path, key=self.at_key)


class RuleContext(Struct, frozen=True, kw_only=True):
    """The data of rules besides the manifests, keyed by the file of a manifest.

    ``rotated`` has the day of the last change by the path of a secret; ``()`` stands for all secrets
    without an entry. ``shallow_history`` means that the clone is shallow; ``history_error`` tells why
    history could not be read. ``complete`` means that all manifests are present. ``fingerprints`` are
    comparable within one run only. ``secrets`` are decrypted, by path below ``secrets``.
    ``connectors`` are the known connector ids; the service may have others.
    """

    today: date
    rotated: Mapping[str, Mapping[FieldPath, date]] = field(default_factory=lambda: EMPTY)
    shallow_history: bool = False
    history_error: str = ""
    complete: bool = True
    connectors: tuple[str, ...] = ()
    fingerprints: Mapping[tuple[str, FieldPath], str] = field(default_factory=lambda: EMPTY)
    secrets: Mapping[str, Mapping[FieldPath, Secret]] = field(default_factory=lambda: EMPTY)

    def can_satisfy(self, requires: Requires) -> bool:
        """Tell whether the data that a rule requires is available."""
        return {
            Requires.MANIFEST: True,
            Requires.ALL_MANIFESTS: self.complete,
            Requires.HISTORY: bool(self.rotated),
            Requires.SECRETS: bool(self.secrets or self.fingerprints),
        }[requires]


class RuleScope(Struct, frozen=True):
    """The input of one run of the rules."""

    index: ManifestIndex
    settings: PolicySettings
    context: RuleContext


class Rule(Struct, frozen=True, kw_only=True):
    """A rule: its code, default severity, required data and check.

    ``combines_secrets`` means that the check compares several secrets of one manifest.
    """

    code: str
    severity: Severity
    requires: Requires
    check: Callable[[RuleScope], Iterable[Violation]]
    cause: Cause = Cause.OTHER
    combines_secrets: bool = False

    @property
    def title(self) -> str:
        """The title of the rule's code."""
        return find_code(self.code).title


OnManifest: TypeAlias = Callable[[ResourceView, PolicySettings], Iterable[Violation]]
OnDay: TypeAlias = Callable[[ResourceView, PolicySettings, date], Iterable[Violation]]
OnIndex: TypeAlias = Callable[[ManifestIndex, PolicySettings], Iterable[Violation]]
OnContext: TypeAlias = Callable[[ManifestIndex, PolicySettings, RuleContext], Iterable[Violation]]


def on_manifest(code: str, severity: Severity, check: OnManifest, *, cause: Cause = Cause.OTHER) -> Rule:
    """Return a rule that checks each manifest on its own."""

    def check_each(scope: RuleScope) -> Iterable[Violation]:
        return (
            violation for resource in scope.index.resources for violation in check(resource, scope.settings)
        )

    return Rule(code=code, severity=severity, requires=Requires.MANIFEST, check=check_each, cause=cause)


def on_day(code: str, severity: Severity, check: OnDay) -> Rule:
    """Return a rule that checks each manifest on its own, given the day."""

    def check_each(scope: RuleScope) -> Iterable[Violation]:
        today = scope.context.today
        return (
            violation
            for resource in scope.index.resources
            for violation in check(resource, scope.settings, today)
        )

    return Rule(code=code, severity=severity, requires=Requires.MANIFEST, check=check_each)


def on_index(
    code: str,
    severity: Severity,
    check: OnIndex,
    requires: Requires = Requires.ALL_MANIFESTS,
    *,
    cause: Cause = Cause.OTHER,
) -> Rule:
    """Return a rule that checks all manifests together."""
    return Rule(
        code=code,
        severity=severity,
        requires=requires,
        check=lambda scope: check(scope.index, scope.settings),
        cause=cause,
    )


def on_context(code: str, severity: Severity, requires: Requires, check: OnContext) -> Rule:
    """Return a rule that checks the manifests with the data of the context."""
    return Rule(
        code=code,
        severity=severity,
        requires=requires,
        check=lambda scope: check(scope.index, scope.settings, scope.context),
    )


def compute_run_fingerprints(
    secrets: Mapping[str, Mapping[FieldPath, Secret]], key: bytes
) -> Mapping[tuple[str, FieldPath], str]:
    """Return a fingerprint of each secret, by file and path, for ``RuleContext``.

    Equal secrets have equal fingerprints. ``key`` is 32 random bytes of one run and is not stored, so
    fingerprints of two runs cannot be compared.
    """
    return MappingProxyType(
        {
            (file, path): secret.compute_hmac(key, _FINGERPRINT_FRAMING)
            for file, fields in secrets.items()
            for path, secret in fields.items()
        }
    )
