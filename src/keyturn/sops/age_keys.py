"""Available age keys, from all sources that sops uses; no source has precedence."""

import os
import select
import shlex
import stat
import subprocess
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, warning_diagnostic

AGE_KEY_VARIABLE: Final = "SOPS_AGE_KEY"
AGE_KEY_FILE_VARIABLE: Final = "SOPS_AGE_KEY_FILE"
AGE_KEY_COMMAND_VARIABLE: Final = "SOPS_AGE_KEY_CMD"
_SSH_VARIABLES: Final = ("SOPS_AGE_SSH_PRIVATE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_CMD")
_SSH_KEY_FILES: Final = (".ssh/id_ed25519", ".ssh/id_rsa")
_CONFIG_KEY_FILE: Final = "sops/age/keys.txt"
_PLUGIN_PREFIXES: Final = ("AGE-PLUGIN-", "AGE-SECRET-KEY-PQ-")
_PASSPHRASE_PREFIXES: Final = ("age-encryption", "-----BEGIN AGE")
_COMMAND_TIMEOUT: Final = 60.0
_PIPE_TIMEOUT: Final = 10.0
_MAX_PIPE_READS: Final = 64
_MAX_KEY_FILE_BYTES: Final = 1 << 20


class AgeKeyring(Struct, frozen=True, kw_only=True):
    """The available age keys; the private keys are not accessible.

    ``recipients`` are their public keys. ``has_other_keys`` is true if there are keys that only sops
    can use: SSH keys, plugins, files with a passphrase. ``diagnostics`` describe unreadable sources.
    ``environment`` is the user's; the keys of a command or of a pipe replace its variable.
    """

    recipients: frozenset[str] = frozenset()
    has_other_keys: bool = False
    diagnostics: tuple[Diagnostic, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    unwrap_data_key: Callable[[str, str], bytes | None] = lambda _recipient, _wrapped: None
    """Unwraps an armored data key: takes the recipient and the wrapped key, returns None on failure."""

    def __repr__(self) -> str:
        # The environment may contain keys.
        shown = ("recipients", "has_other_keys", "diagnostics")
        return f"AgeKeyring({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    @property
    def is_empty(self) -> bool:
        """Tell whether no key was found that could decrypt a file for age recipients."""
        return not self.recipients and not self.has_other_keys


def find_age_keys(environment: Mapping[str, str]) -> AgeKeyring:
    """Find the age keys of ``environment``; a key command runs once, a pipe is read once a process.

    The sources are those of getsops/sops ``age/keysource.go``: SOPS_AGE_KEY, SOPS_AGE_KEY_FILE,
    SOPS_AGE_KEY_CMD (no shell), ``sops/age/keys.txt`` below the configuration folder, SSH keys.
    """
    search = _KeySearch(environment)
    for name, text in search.read_sources():
        search.add_keys(name, text)
    return search.build_keyring()


def has_single_use_source(environment: Mapping[str, str]) -> bool:
    """Tell whether the keys come from a command or a pipe, which ``find_age_keys`` turns into text."""
    return AGE_KEY_COMMAND_VARIABLE in environment or _is_pipe(environment.get(AGE_KEY_FILE_VARIABLE, ""))


def _is_pipe(path: str) -> bool:
    try:
        return bool(path) and stat.S_ISFIFO(Path(path).stat().st_mode)
    except (OSError, ValueError):
        return False


@lru_cache(maxsize=8)
def _read_pipe(path: str, _inode: int) -> str:
    # A pipe gives its content once. Without a writer, a blocking open would never return.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    parts: list[bytes] = []
    try:
        for _ in range(_MAX_PIPE_READS):
            ready, _, _ = select.select([handle], [], [], _PIPE_TIMEOUT)
            if not ready:
                raise TimeoutError
            part = os.read(handle, 1 << 16)
            if not part:
                break
            parts.append(part)
    finally:
        os.close(handle)
    return b"".join(parts).decode()


class _KeySearch:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._identities: dict[str, Any] = {}
        self._diagnostics: list[Diagnostic] = []
        self._has_other_keys = _has_ssh_keys(environment)

    def read_sources(self) -> Iterator[tuple[str, str]]:
        environment = dict(self._environment)
        if AGE_KEY_VARIABLE in environment:
            yield AGE_KEY_VARIABLE, environment[AGE_KEY_VARIABLE]
        if _is_pipe(environment.get(AGE_KEY_FILE_VARIABLE, "")):
            yield from self._read_key_pipe(environment[AGE_KEY_FILE_VARIABLE])
        elif AGE_KEY_FILE_VARIABLE in environment:
            yield from self._read_key_file(AGE_KEY_FILE_VARIABLE, Path(environment[AGE_KEY_FILE_VARIABLE]))
        if AGE_KEY_COMMAND_VARIABLE in environment:
            yield from self._run_key_command(environment[AGE_KEY_COMMAND_VARIABLE])
        for path in _find_config_files(environment):
            yield from self._read_key_file(str(path), path)

    def add_keys(self, name: str, text: str) -> None:
        if text.startswith(_PASSPHRASE_PREFIXES):
            self._has_other_keys = True
            return
        lines = [line.strip() for line in text.splitlines()]
        keys = [line for line in lines if line and not line.startswith("#")]
        self._has_other_keys = self._has_other_keys or any(key.startswith(_PLUGIN_PREFIXES) for key in keys)
        import pyrage  # type: ignore[import-untyped]  # noqa: PLC0415  # commands without keys do not need it

        try:
            new = [
                pyrage.x25519.Identity.from_str(key) for key in keys if not key.startswith(_PLUGIN_PREFIXES)
            ]
        except pyrage.IdentityError:
            self._add_warning(name, "has a line that is not an age key")
            return
        for identity in new:
            self._identities.setdefault(str(identity.to_public()), identity)

    def build_keyring(self) -> AgeKeyring:
        identities = self._identities

        def unwrap_data_key(recipient: str, wrapped: str) -> bytes | None:
            if recipient not in identities:
                return None
            import pyrage  # noqa: PLC0415

            try:
                data_key: bytes = pyrage.decrypt(wrapped.encode(), [identities[recipient]])
            except pyrage.DecryptError:
                return None
            return data_key

        return AgeKeyring(
            recipients=frozenset(identities),
            has_other_keys=self._has_other_keys,
            diagnostics=tuple(self._diagnostics),
            environment=self._environment,
            unwrap_data_key=unwrap_data_key,
        )

    def _read_key_file(self, name: str, path: Path) -> Iterator[tuple[str, str]]:
        try:
            with path.open(encoding="utf-8") as file:
                yield name, file.read(_MAX_KEY_FILE_BYTES)
        except FileNotFoundError:
            self._add_warning(name, "names a file that does not exist")
        except (OSError, UnicodeDecodeError):
            self._add_warning(name, "cannot be read")

    def _read_key_pipe(self, path: str) -> Iterator[tuple[str, str]]:
        try:
            output = _read_pipe(path, Path(path).stat().st_ino)
        except TimeoutError:
            self._add_warning(AGE_KEY_FILE_VARIABLE, "is a pipe that gives no key in time")
        except (OSError, UnicodeDecodeError):
            self._add_warning(AGE_KEY_FILE_VARIABLE, "cannot be read")
        else:
            self._replace_source(AGE_KEY_FILE_VARIABLE, output)
            yield AGE_KEY_FILE_VARIABLE, output

    def _run_key_command(self, command: str) -> Iterator[tuple[str, str]]:
        try:
            done = subprocess.run(  # noqa: S603
                shlex.split(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._environment,
                timeout=_COMMAND_TIMEOUT,
                check=True,
            )
            output = done.stdout.decode()
        except (OSError, ValueError, IndexError, subprocess.SubprocessError):
            self._add_warning(AGE_KEY_COMMAND_VARIABLE, "is a command that fails or prints no key")
            return
        # Each sops process would run the command once per file and recipient, and its environment is
        # too small for most password managers.
        self._replace_source(AGE_KEY_COMMAND_VARIABLE, output)
        yield AGE_KEY_COMMAND_VARIABLE, output

    def _replace_source(self, name: str, keys: str) -> None:
        del self._environment[name]
        self._environment[AGE_KEY_VARIABLE] = "\n".join(
            part for part in (self._environment.get(AGE_KEY_VARIABLE), keys) if part
        )

    def _add_warning(self, name: str, message: str) -> None:
        hint = "correct or remove it; sops ignores it while another key works"
        self._diagnostics.append(warning_diagnostic("KT021", SourceLocation(name), f"{name} {message}", hint))


def _find_config_files(environment: Mapping[str, str]) -> Iterator[Path]:
    folder = environment.get("XDG_CONFIG_HOME") or ""
    home = environment.get("HOME") or ""
    base = Path(folder) if folder else Path(home, ".config") if home else None
    if base is not None and (base / _CONFIG_KEY_FILE).exists():
        yield base / _CONFIG_KEY_FILE


def _has_ssh_keys(environment: Mapping[str, str]) -> bool:
    home = environment.get("HOME")
    return any(name in environment for name in _SSH_VARIABLES) or (
        home is not None and any(Path(home, name).exists() for name in _SSH_KEY_FILES)
    )
