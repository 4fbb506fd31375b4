"""Rules about decrypted secrets. Only this module of the package calls ``Secret.reveal``.

Messages name the field and the problem, never a value or its length.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import TypeAlias

from keyturn.model.diagnostic import Severity
from keyturn.model.fields import FieldPath, mask_path
from keyturn.model.secret import Secret
from keyturn.policy.names import normalize_name
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import Requires, Rule, RuleScope, Violation, on_manifest
from keyturn.policy.rules import secret_text_checks
from keyturn.policy.rules.expiry import (
    FieldExpiry,
    build_expired_violation,
    build_expiring_violation,
    find_declared_expiries,
    parse_day,
)
from keyturn.policy.rules.secret_text_checks import SecretValues
from keyturn.policy.text_matching import LazyPattern

_JWT = LazyPattern(r"(?<![\w-])eyJ[\w-]+\.(eyJ[\w-]+)\.[\w-]*")
_SIGNATURE_EXPIRY = LazyPattern(r"(?:^|[?&=])se=(\d{4}-\d\d-\d\d)")
_KEY_NAMES = ("privatekey", "certificate", "pfx", "serviceaccountjson")

SecretCheck: TypeAlias = Callable[[ResourceView, SecretValues], Iterable[Violation]]


def find_secret_expiries(
    resource: ResourceView, secrets: Mapping[FieldPath, Secret]
) -> tuple[FieldExpiry, ...]:
    """Return the declared expiries and those in the decrypted secrets."""
    return (*find_declared_expiries(resource), *_expiries_in(_reveal_all(secrets)))


def on_secrets(code: str, severity: Severity, check: SecretCheck, *, combines_secrets: bool = False) -> Rule:
    """Return a rule that checks the decrypted secrets of each manifest."""

    def check_each(scope: RuleScope) -> Iterator[Violation]:
        for resource, values in _reveal_each(scope):
            yield from check(resource, values)

    return Rule(
        code=code,
        severity=severity,
        requires=Requires.SECRETS,
        check=check_each,
        combines_secrets=combines_secrets,
    )


def _on_keys(code: str, severity: Severity, *, combines_secrets: bool = False) -> Rule:
    def check_keys(resource: ResourceView, values: SecretValues) -> Iterable[Violation]:
        return _key_checks()[code](resource, values) if _has_keys(values) else ()

    return on_secrets(code, severity, check_keys, combines_secrets=combines_secrets)


def _key_checks() -> Mapping[str, SecretCheck]:
    # The import takes 0.1 s, and few credentials have keys.
    from keyturn.policy.rules import secret_key_checks  # noqa: PLC0415

    return {
        "KT380": secret_key_checks.find_unreadable_key,
        "KT381": secret_key_checks.find_mismatched_certificate,
        "KT387": secret_key_checks.find_unusable_passphrase,
        "KT388": secret_key_checks.find_unusable_pfx,
    }


def _expired_secret(scope: RuleScope) -> Iterator[Violation]:
    for resource, values in _reveal_each(scope):
        for expiry in _expiries_in(values):
            if expiry.day < scope.context.today:
                yield build_expired_violation(resource, expiry)


def _expiring_secret(scope: RuleScope) -> Iterator[Violation]:
    today = scope.context.today
    for resource, values in _reveal_each(scope):
        for expiry in _expiries_in(values):
            if 0 <= (expiry.day - today).days <= scope.settings.expiry_notice_days:
                yield build_expiring_violation(resource, expiry, today)


def _reveal_each(scope: RuleScope) -> Iterator[tuple[ResourceView, SecretValues]]:
    for resource in scope.index.resources:
        secrets = scope.context.secrets.get(resource.file)
        if secrets:
            yield resource, _reveal_all(secrets)


def _reveal_all(secrets: Mapping[FieldPath, Secret]) -> SecretValues:
    return {path: secret.reveal() for path, secret in secrets.items()}


def _expiries_in(values: SecretValues) -> Iterator[FieldExpiry]:
    if _has_keys(values):
        from keyturn.policy.rules import secret_key_checks  # noqa: PLC0415

        yield from secret_key_checks.find_certificate_expiries(values)
    for path, value in values.items():
        token, signature = _JWT.search(value), _SIGNATURE_EXPIRY.search(value) if "sig=" in value else None
        if token and (day := _token_expiry(token[1])):
            yield FieldExpiry(("secrets", *path), day, f"token (field {mask_path(path)})")
        if signature and (day := parse_day(signature[1])):
            yield FieldExpiry(("secrets", *path), day, f"signature (field {mask_path(path)})")


def _has_keys(values: SecretValues) -> bool:
    return any(
        "-----BEGIN " in value or normalize_name(path[-1]).endswith(_KEY_NAMES)
        for path, value in values.items()
    )


def _token_expiry(payload: str) -> date | None:
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC).date()
    except (ValueError, TypeError, KeyError, OverflowError, OSError, RecursionError):
        return None


RULES = (
    Rule(code="KT322", severity=Severity.ERROR, requires=Requires.SECRETS, check=_expired_secret),
    Rule(code="KT323", severity=Severity.WARNING, requires=Requires.SECRETS, check=_expiring_secret),
    _on_keys("KT380", Severity.ERROR),
    _on_keys("KT381", Severity.ERROR, combines_secrets=True),
    on_secrets("KT382", Severity.ERROR, secret_text_checks.find_incomplete_service_account),
    on_secrets("KT383", Severity.ERROR, secret_text_checks.find_contradicting_field),
    on_secrets("KT384", Severity.ERROR, secret_text_checks.find_malformed_aws_key),
    on_manifest("KT384", Severity.ERROR, secret_text_checks.find_malformed_access_key_id),
    on_secrets("KT385", Severity.WARNING, secret_text_checks.find_surrounding_whitespace),
    on_secrets("KT386", Severity.ERROR, secret_text_checks.find_malformed_azure_secret),
    _on_keys("KT387", Severity.ERROR, combines_secrets=True),
    _on_keys("KT388", Severity.ERROR, combines_secrets=True),
    on_secrets("KT389", Severity.ERROR, secret_text_checks.find_placeholder_secret),
    on_secrets("KT390", Severity.NOTE, secret_text_checks.find_short_secret),
    on_secrets("KT391", Severity.ERROR, secret_text_checks.find_invisible_character),
    on_secrets("KT392", Severity.ERROR, secret_text_checks.find_additional_lines),
    on_secrets("KT393", Severity.WARNING, secret_text_checks.find_typographic_character),
    on_secrets("KT394", Severity.ERROR, secret_text_checks.find_incomplete_json),
)
