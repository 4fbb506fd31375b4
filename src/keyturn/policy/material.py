"""Material: deep checks on opened secrets. The one place of policy that reveals.

What goes out names the field and what is wrong with it, never a value or its length.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import TypeAlias

from keyturn.core.diagnostic import Severity
from keyturn.core.fields import Path
from keyturn.core.secret import Secret
from keyturn.policy import opened_text
from keyturn.policy.expiries import Expiry, declared, readable
from keyturn.policy.opened_text import Values
from keyturn.policy.pattern import Pattern
from keyturn.policy.rule import Found, Needs, Rule, Scope, on_manifest
from keyturn.policy.rules.expiry import near, past
from keyturn.policy.spelling import fold
from keyturn.policy.subject import Subject
from keyturn.policy.words import say

_JWT = Pattern(r"(?<![\w-])eyJ[\w-]+\.(eyJ[\w-]+)\.[\w-]*")
_SIGNATURE_END = Pattern(r"(?:^|[?&=])se=(\d{4}-\d\d-\d\d)")
_KEY_NAMES = ("privatekey", "certificate", "pfx", "serviceaccountjson")

Look: TypeAlias = Callable[[Subject, Values], Iterable[Found]]


def expiries(subject: Subject, secrets: Mapping[Path, Secret]) -> tuple[Expiry, ...]:
    """Return all that ends on a certain day: what is declared, and what the opened secrets show."""
    return (*declared(subject), *_endings(_opened(secrets)))


def on_secrets(code: str, severity: Severity, look: Look) -> Rule:
    """Return a rule that looks at the opened secrets of each manifest."""

    def check(scope: Scope) -> Iterator[Found]:
        for subject, values in _opened_in(scope):
            yield from look(subject, values)

    return Rule(code=code, severity=severity, needs=Needs.SECRETS, check=check)


def _on_keys(code: str, severity: Severity) -> Rule:
    def look(subject: Subject, values: Values) -> Iterable[Found]:
        return _key_looks()[code](subject, values) if _has_keys(values) else ()

    return on_secrets(code, severity, look)


def _key_looks() -> Mapping[str, Look]:
    # A tenth of a second of import, for the few credentials that hold keys.
    from keyturn.policy import opened_keys  # noqa: PLC0415

    return {
        "KT380": opened_keys.unreadable,
        "KT381": opened_keys.mismatched,
        "KT387": opened_keys.passphrases,
        "KT388": opened_keys.pfx_files,
    }


def _expired(scope: Scope) -> Iterator[Found]:
    for subject, values in _opened_in(scope):
        for expiry in _endings(values):
            if expiry.day < scope.context.today:
                yield past(subject, expiry)


def _expires_soon(scope: Scope) -> Iterator[Found]:
    today = scope.context.today
    for subject, values in _opened_in(scope):
        for expiry in _endings(values):
            if 0 <= (expiry.day - today).days <= scope.settings.expiry_days:
                yield near(subject, expiry, today)


def _opened_in(scope: Scope) -> Iterator[tuple[Subject, Values]]:
    for subject in scope.fleet.subjects:
        secrets = scope.context.secrets.get(subject.file)
        if secrets:
            yield subject, _opened(secrets)


def _opened(secrets: Mapping[Path, Secret]) -> Values:
    return {path: secret.reveal() for path, secret in secrets.items()}


def _endings(values: Values) -> Iterator[Expiry]:
    if _has_keys(values):
        from keyturn.policy import opened_keys  # noqa: PLC0415

        yield from opened_keys.endings(values)
    for path, value in values.items():
        token, signature = _JWT.search(value), _SIGNATURE_END.search(value) if "sig=" in value else None
        if token and (day := _token_day(token[1])):
            yield Expiry(("secrets", *path), day, f"the token in {say(path)}")
        if signature and (day := readable(signature[1])):
            yield Expiry(("secrets", *path), day, f"the signature in {say(path)}")


def _has_keys(values: Values) -> bool:
    return any(
        "-----BEGIN " in value or fold(path[-1]).endswith(_KEY_NAMES) for path, value in values.items()
    )


def _token_day(payload: str) -> date | None:
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC).date()
    except (ValueError, TypeError, KeyError, OverflowError, OSError, RecursionError):
        return None


RULES = (
    Rule(code="KT322", severity=Severity.ERROR, needs=Needs.SECRETS, check=_expired),
    Rule(code="KT323", severity=Severity.WARNING, needs=Needs.SECRETS, check=_expires_soon),
    _on_keys("KT380", Severity.ERROR),
    _on_keys("KT381", Severity.ERROR),
    on_secrets("KT382", Severity.ERROR, opened_text.service_accounts),
    on_secrets("KT383", Severity.ERROR, opened_text.contradicted),
    on_secrets("KT384", Severity.ERROR, opened_text.aws_keys),
    on_manifest("KT384", Severity.ERROR, opened_text.plain_aws_key),
    on_secrets("KT385", Severity.WARNING, opened_text.blanks),
    on_secrets("KT386", Severity.ERROR, opened_text.azure_strings),
    _on_keys("KT387", Severity.ERROR),
    _on_keys("KT388", Severity.ERROR),
    on_secrets("KT389", Severity.ERROR, opened_text.placeholders),
    on_secrets("KT390", Severity.NOTE, opened_text.short),
)
