"""Leaks: secrets that stand where everybody can read them. No finding holds any part of the text."""

from collections.abc import Callable, Iterator
from functools import lru_cache

from keyturn.core.diagnostic import Cause, Severity
from keyturn.core.fields import Path
from keyturn.core.looks import secret_key
from keyturn.policy.fleet import Fleet
from keyturn.policy.rule import Found, Needs, OnFleet, Rule, on_fleet, on_manifest
from keyturn.policy.settings import Settings
from keyturn.policy.spelling import fold
from keyturn.policy.subject import Subject
from keyturn.policy.tokens import marked, password_within, private_key, random_looking, web_token
from keyturn.policy.words import say

_COOKIES = frozenset({"cookie", "setcookie"})
_PUBLIC = (
    "clientid", "consumerkey", "accesskeyid", "knownhosts", "fingerprint", "thumbprint", "publickey",
    "hostkey", "checksum", "digest", "arn",
)  # fmt: skip


def secret_in_settings(subject: Subject, _: Settings) -> Iterator[Found]:
    """Find a connection's plain fields that are named as a secret is, headers in lists included."""
    if subject.address.kind != "connection":
        return
    for path, name, text in _named_texts(subject):
        if text and _names_secret(name) and not _recognised(text):
            yield Found(subject=subject, path=path, message=f"{say(path)} looks like a secret", key=True)


@lru_cache(maxsize=4096)
def _names_secret(name: str) -> bool:
    return (secret_key(name) or fold(name) in _COOKIES) and not marked(name)


def _named_texts(subject: Subject) -> Iterator[tuple[Path, str, str]]:
    for path, leaf in subject.config.items():
        if isinstance(leaf, str):
            yield path, path[-1], leaf
        for number, item in enumerate(leaf if isinstance(leaf, list) else ()):
            if isinstance(item, dict):
                name, text = item.get("name", item.get("key")), item.get("value")
                if isinstance(name, str) and isinstance(text, str):
                    yield (*path, str(number), "value"), name, text
                pairs = ((key, value) for key, value in item.items() if isinstance(value, str))
                yield from (((*path, str(number), key), key, value) for key, value in pairs)


def _looking(test: Callable[[str], bool], what: str, public: tuple[str, ...] = ()) -> OnFleet:
    def look(fleet: Fleet, _: Settings) -> Iterator[Found]:
        for writing in fleet.writings:
            if test(writing.text) and (writing.key or not _public(writing.path, public)):
                holder = "the name of a field" if writing.key else say(writing.path)
                yield Found(
                    subject=writing.subject,
                    path=writing.path,
                    message=f"{holder} holds {what}",
                    key=writing.key,
                )

    return look


def _on_writings(code: str, severity: Severity, look: OnFleet) -> Rule:
    return on_fleet(code, severity, look, Needs.MANIFEST, cause=Cause.POSSIBLE_PLAINTEXT)


def _public(path: Path, public: tuple[str, ...]) -> bool:
    return bool(public) and any(fold(key).endswith(public) for key in path)


def _recognised(text: str) -> bool:
    return any(test(text) for test in (marked, web_token, private_key, password_within))


def _random(text: str) -> bool:
    return random_looking(text) and not _recognised(text)


RULES = (
    on_manifest("KT370", Severity.ERROR, secret_in_settings, cause=Cause.POSSIBLE_PLAINTEXT),
    _on_writings("KT371", Severity.ERROR, _looking(marked, "what has the form of a token", ("accesskeyid",))),
    _on_writings("KT372", Severity.WARNING, _looking(_random, "text that looks random", _PUBLIC)),
    _on_writings("KT373", Severity.ERROR, _looking(private_key, "a private key")),
    _on_writings("KT374", Severity.ERROR, _looking(web_token, "a JSON web token")),
    _on_writings("KT375", Severity.ERROR, _looking(password_within, "a password, within an address")),
)
