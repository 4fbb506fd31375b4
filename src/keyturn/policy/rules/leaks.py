"""Leaks: secrets that stand where everybody can read them. No finding holds any part of the text."""

from collections.abc import Callable, Iterator

from keyturn.core.diagnostic import Severity
from keyturn.core.fields import Path
from keyturn.policy.rule import Found, OnManifest, on_manifest
from keyturn.policy.settings import Settings
from keyturn.policy.subject import Subject
from keyturn.policy.tokens import marked, password_within, private_key, random_looking, web_token
from keyturn.policy.words import fold, say, texts

_SECRET_ENDS = (
    "password", "passwd", "pwd", "passphrase", "secret", "token", "apikey", "accesskey", "secretkey",
    "privatekey", "accountkey", "storagekey", "sharedkey", "signingkey", "connectionstring",
    "authorization", "cookie",
)  # fmt: skip
_NO_SECRET_ENDS = ("pagetoken", "nexttoken", "continuationtoken", "cursortoken")
_PUBLIC = (
    "clientid", "consumerkey", "accesskeyid", "knownhosts", "fingerprint", "thumbprint", "publickey",
    "hostkey", "checksum", "digest", "arn",
)  # fmt: skip
_LONG = 16


def secret_in_settings(subject: Subject, _: Settings) -> Iterator[Found]:
    """Find a connection's plain fields whose name is that of a secret."""
    if subject.address.kind != "connection":
        return
    for path, text in texts(subject):
        if path[0] == "config" and _named_secret(path) and text and not _recognised(text):
            yield Found(subject=subject, path=path, message=f"{say(path)} looks like a secret", key=True)


def _looking(test: Callable[[str], bool], what: str, public: tuple[str, ...] = ()) -> OnManifest:
    def look(subject: Subject, _: Settings) -> Iterator[Found]:
        for path, text in texts(subject):
            if len(text) >= _LONG and test(text) and not _public(path, public):
                yield Found(subject=subject, path=path, message=f"{say(path)} holds {what}")
            if len(path[-1]) >= _LONG and test(path[-1]):
                yield Found(subject=subject, path=path, message=f"the name of a field holds {what}", key=True)

    return look


def _named_secret(path: Path) -> bool:
    folded = fold(path[-1])
    return folded.endswith(_SECRET_ENDS) and not folded.endswith(_NO_SECRET_ENDS)


def _public(path: Path, public: tuple[str, ...]) -> bool:
    return bool(public) and any(fold(key).endswith(public) for key in path)


def _recognised(text: str) -> bool:
    return any(test(text) for test in (marked, web_token, private_key, password_within))


def _random(text: str) -> bool:
    return random_looking(text) and not _recognised(text)


RULES = (
    on_manifest("KT370", Severity.ERROR, secret_in_settings),
    on_manifest("KT371", Severity.ERROR, _looking(marked, "what has the form of a token", ("accesskeyid",))),
    on_manifest("KT372", Severity.WARNING, _looking(_random, "text that looks random", _PUBLIC)),
    on_manifest("KT373", Severity.ERROR, _looking(private_key, "a private key")),
    on_manifest("KT374", Severity.ERROR, _looking(web_token, "a JSON web token")),
    on_manifest("KT375", Severity.ERROR, _looking(password_within, "a password, within an address")),
)
