"""Age keys at hand, looked for where sops looks: all places are taken together, none has precedence."""

import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import pyrage  # type: ignore[import-untyped]
from msgspec import Struct, field

from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic
from keyturn.load.findings import doubt

KEY: Final = "SOPS_AGE_KEY"
KEY_FILE: Final = "SOPS_AGE_KEY_FILE"
KEY_CMD: Final = "SOPS_AGE_KEY_CMD"
_SSH: Final = ("SOPS_AGE_SSH_PRIVATE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_CMD")
_SSH_HOME: Final = (".ssh/id_ed25519", ".ssh/id_rsa")
_BELOW_CONFIG: Final = "sops/age/keys.txt"
_SIMPLE: Final = "AGE-SECRET-KEY-1"
_PLUGIN: Final = ("AGE-PLUGIN-", "AGE-SECRET-KEY-PQ-")
_LOCKED: Final = ("age-encryption", "-----BEGIN AGE")
_TIMEOUT: Final = 60.0
_LARGEST: Final = 1 << 20


class Keyring(Struct, frozen=True, kw_only=True):
    """The age keys at hand, none of which can be looked at.

    ``recipients`` are their public keys. ``others`` tells that there are keys which only sops
    itself can use: SSH keys, plugins, files under a passphrase. ``findings`` are sources that
    could not be read. ``environment`` is the user's, with a key command's answer in its place.
    """

    recipients: frozenset[str] = frozenset()
    others: bool = False
    findings: tuple[Diagnostic, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    unwrap: Callable[[str, str], bytes | None] = lambda _recipient, _wrapped: None
    """From a recipient and an armoured data key wrapped for it to the data key, or None."""

    def __repr__(self) -> str:
        # The environment may hold keys.
        return f"Keyring(recipients={self.recipients!r}, others={self.others!r}, findings={self.findings!r})"

    @property
    def empty(self) -> bool:
        """Whether nothing was found that could open an age file."""
        return not self.recipients and not self.others


def keyring(environment: Mapping[str, str]) -> Keyring:
    """Return the age keys that ``environment`` leads to; a key command is run once.

    The places are those of getsops/sops ``age/keysource.go``: SOPS_AGE_KEY, SOPS_AGE_KEY_FILE,
    SOPS_AGE_KEY_CMD (no shell), ``sops/age/keys.txt`` below the configuration folder, SSH keys.
    """
    search = _Search(environment)
    for name, text in search.sources():
        search.take(name, text)
    return search.result()


class _Search:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._identities: dict[str, pyrage.x25519.Identity] = {}
        self._findings: list[Diagnostic] = []
        self._others = _ssh(environment)

    def sources(self) -> Iterator[tuple[str, str]]:
        environment = dict(self._environment)
        if KEY in environment:
            yield KEY, environment[KEY]
        if KEY_FILE in environment:
            yield from self._file(KEY_FILE, Path(environment[KEY_FILE]))
        if KEY_CMD in environment:
            yield from self._command(environment[KEY_CMD])
        for path in _config_files(environment):
            yield from self._file(str(path), path)

    def take(self, name: str, text: str) -> None:
        if text.startswith(_LOCKED):
            self._others = True
            return
        lines = [line.strip() for line in text.splitlines()]
        keys = [line for line in lines if line and not line.startswith("#")]
        self._others = self._others or any(key.startswith(_PLUGIN) for key in keys)
        try:
            found = [pyrage.x25519.Identity.from_str(key) for key in keys if not key.startswith(_PLUGIN)]
        except pyrage.IdentityError:
            self._broken(name, "holds a line that is no age key")
            return
        for identity in found:
            self._identities.setdefault(str(identity.to_public()), identity)

    def result(self) -> Keyring:
        identities = self._identities

        def unwrap(recipient: str, wrapped: str) -> bytes | None:
            if recipient not in identities:
                return None
            try:
                data_key: bytes = pyrage.decrypt(wrapped.encode(), [identities[recipient]])
            except pyrage.DecryptError:
                return None
            return data_key

        return Keyring(
            recipients=frozenset(identities),
            others=self._others,
            findings=tuple(self._findings),
            environment=self._environment,
            unwrap=unwrap,
        )

    def _file(self, name: str, path: Path) -> Iterator[tuple[str, str]]:
        try:
            with path.open(encoding="utf-8") as file:
                yield name, file.read(_LARGEST)
        except FileNotFoundError:
            self._broken(name, "names a file that is not there")
        except (OSError, UnicodeDecodeError):
            self._broken(name, "cannot be read")

    def _command(self, command: str) -> Iterator[tuple[str, str]]:
        try:
            done = subprocess.run(  # noqa: S603
                shlex.split(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._environment,
                timeout=_TIMEOUT,
                check=True,
            )
            answer = done.stdout.decode()
        except (OSError, ValueError, IndexError, subprocess.SubprocessError):
            self._broken(KEY_CMD, "is a command that fails or gives no key")
            return
        # Asked once here instead of once per file and recipient by every sops, and a sops child
        # has too little of the environment for most password managers.
        del self._environment[KEY_CMD]
        self._environment[KEY] = "\n".join(part for part in (self._environment.get(KEY), answer) if part)
        yield KEY_CMD, answer

    def _broken(self, name: str, message: str) -> None:
        hint = "correct it or take it away: sops passes over it as long as another key fits"
        self._findings.append(doubt("KT021", Origin(name), f"{name} {message}", hint))


def _config_files(environment: Mapping[str, str]) -> Iterator[Path]:
    folder = environment.get("XDG_CONFIG_HOME") or ""
    home = environment.get("HOME") or ""
    base = Path(folder) if folder else Path(home, ".config") if home else None
    if base is not None and (base / _BELOW_CONFIG).exists():
        yield base / _BELOW_CONFIG


def _ssh(environment: Mapping[str, str]) -> bool:
    home = environment.get("HOME")
    return any(name in environment for name in _SSH) or (
        home is not None and any(Path(home, name).exists() for name in _SSH_HOME)
    )
