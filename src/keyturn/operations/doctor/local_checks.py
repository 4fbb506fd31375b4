"""Doctor checks without the service: tools, keys, manifests and hooks."""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from keyturn.manifests.loader import load_manifests
from keyturn.manifests.secrets import decrypt_manifests
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import (
    Cause,
    Diagnostic,
    DiagnosticError,
    Severity,
    pluralize_or_none,
    warning_diagnostic,
)
from keyturn.model.results import (
    CheckResult,
    CheckStatus,
    checks_from_diagnostics,
    passed_check,
    skipped_check,
)
from keyturn.project.keys import open_decryptor
from keyturn.project.project import Project, Workspace
from keyturn.project.workspace_key import read_root_key, verify_workspace, workspace_key_path
from keyturn.sops.age_keys import AGE_KEY_FILE_VARIABLE, find_age_keys
from keyturn.sops.binary import MIN_WRITING_SOPS_VERSION, find_sops

HOOK_FILES: Final = (".pre-commit-config.yaml", ".pre-commit-config.yml", "lefthook.yml", ".husky/pre-commit")
"""Files in which a repository configures pre-commit hooks."""

IGNORED_VARIABLES = (
    "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy",
    "SSLKEYLOGFILE", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
)  # fmt: skip
"""Variables that could redirect or expose API traffic; keyturn ignores them."""

MAX_SHOWN_ERRORS = 5
"""Maximum number of manifest errors to show one by one."""


def check_sops(environment: Mapping[str, str]) -> Iterator[CheckResult]:
    """Check that sops is installed, new enough, and the only one on PATH."""
    try:
        sops = find_sops(environment)
    except DiagnosticError as error:
        yield from checks_from_diagnostics("sops", error.diagnostics)
        return
    version = ".".join(map(str, sops.version))
    yield passed_check("sops", f"{version} at {sops.binary}")
    if sops.version < MIN_WRITING_SOPS_VERSION:
        hint = "install sops 3.11 or newer: older versions show a secret in the list of processes"
        yield warning_check("sops", "KT011", "sops", f"{version} can decrypt but not write", hint)
    binaries = find_sops_binaries(environment)
    if len(binaries) > 1:
        message = f"found {len(binaries)} versions of sops on PATH: {', '.join(map(str, binaries))}"
        hint = "remove all but the first, which keyturn uses: an editor or a hook may use another one"
        yield warning_check("sops", "KT080", "PATH", message, hint)


def check_environment(environment: Mapping[str, str]) -> Iterator[CheckResult]:
    """Yield a note for each variable that is set and that keyturn ignores."""
    for name in IGNORED_VARIABLES:
        if environment.get(name):
            note = Diagnostic(
                code="KT084",
                severity=Severity.NOTE,
                message="is set and ignored: keyturn connects directly and uses the system's CAs",
                origin=SourceLocation(name),
                hint="nothing to do, unless the API is reachable only through that proxy",
            )
            yield from checks_from_diagnostics("environment", [note])


def check_decryption_keys(environment: Mapping[str, str], project: Project | None) -> Iterator[CheckResult]:
    """Check that decryption keys exist, are private, and decrypt the keys of the workspaces."""
    ring = find_age_keys(environment)
    yield from checks_from_diagnostics("keys", ring.diagnostics)
    for path in find_key_files(environment):
        if is_readable_by_others(path):
            message = "other users of this machine can read this key file"
            yield warning_check("keys", "KT081", str(path), message, f"chmod 600 {path}")
    if ring.recipients:
        yield passed_check("keys", f"age: {', '.join(sorted(ring.recipients))}")
    if project is None:
        return
    for workspace in project.workspaces.values():
        yield from _check_root_key(environment, project, workspace)


def _check_root_key(
    environment: Mapping[str, str], project: Project, workspace: Workspace
) -> Iterator[CheckResult]:
    try:
        key = verify_workspace(project, workspace, environment)
        read_root_key(project, workspace, open_decryptor(project, environment), environment)
    except DiagnosticError as error:
        yield from checks_from_diagnostics("keys", error.diagnostics)
        return
    if key is None:
        yield passed_check("keys", "the repository's fingerprint key can be decrypted")
        hint = f"run `keyturn key create -w {workspace.name}`"
        message = f"workspace {workspace.name} has no key: its settings and its state are not signed"
        yield warning_check("keys", "KT262", workspace_key_path(workspace.name), message, hint)
    else:
        yield passed_check("keys", f"the key of {workspace.name} is trusted, and can be decrypted")


def check_manifests(
    environment: Mapping[str, str], project: Project, workspace: Workspace, *, decrypt: bool
) -> Iterator[CheckResult]:
    """Check that manifests are valid and, with ``decrypt``, that they can be decrypted."""
    loaded = load_manifests(project, workspace)
    errors = [each for each in loaded.diagnostics if each.severity is Severity.ERROR]
    yield from _check_errors(errors)
    if not errors:
        resources = pluralize_or_none(len(loaded.desired), "resource")
        yield passed_check("manifests", f"{resources} in {workspace.name}")
    if not decrypt:
        yield skipped_check("manifests", "not decrypted: the CI event is not trusted")
        return
    encrypted = tuple(each for each in loaded.desired if each.secrets)
    try:
        decrypt_manifests(encrypted, project, environment)
    except DiagnosticError as error:
        failures = [each for each in error.diagnostics if each.cause is not Cause.NO_KEY]
        if not failures:
            yield skipped_check("manifests", "not decrypted: no decryption key")
        yield from checks_from_diagnostics("manifests", map(_with_repair_hint, failures[:MAX_SHOWN_ERRORS]))
    else:
        files = pluralize_or_none(len(encrypted), "encrypted file")
        yield passed_check("manifests", f"{files} decrypted; every seal is valid")


def _check_errors(errors: list[Diagnostic]) -> Iterator[CheckResult]:
    conflicts = [each for each in errors if each.cause is Cause.MERGE_CONFLICT]
    others = [each for each in errors if each.cause is not Cause.MERGE_CONFLICT]
    yield from checks_from_diagnostics("manifests", (*conflicts, *others[:MAX_SHOWN_ERRORS]))
    if len(others) > MAX_SHOWN_ERRORS:
        hidden = pluralize_or_none(len(others) - MAX_SHOWN_ERRORS, "more error")
        message = f"{hidden}: run `keyturn validate` for all of them"
        yield CheckResult(topic="manifests", status=CheckStatus.FAILED, message=message)


def _with_repair_hint(diagnostic: Diagnostic) -> Diagnostic:
    if diagnostic.cause is not Cause.MAC_MISMATCH:
        return diagnostic
    file = diagnostic.origin.file
    name = Path(file).stem
    hint = (
        f"git checkout origin/main -- {file}, then make the change again; after a merge of two reviewed "
        f"sides: sops set --ignore-mac {file} '[\"name\"]' '\"{name}\"', "
        f"then keyturn seal {name} --reason TEXT"
    )
    return replace(diagnostic, hint=hint)


def check_hooks(root: Path) -> Iterator[CheckResult]:
    """Check that a hook validates manifests before each commit."""
    file, installed = find_hook_file(root), is_hook_installed(root)
    if not file:
        hint = "add the hook keyturn-validate to .pre-commit-config.yaml, as `keyturn init` does"
        yield warning_check("hooks", "KT085", HOOK_FILES[0], "no hook runs keyturn validate", hint)
    elif installed is False:
        message = "the hook is not installed in this clone"
        yield warning_check("hooks", "KT085", file, message, "run: pre-commit install")
    elif installed is None:
        yield skipped_check("hooks", f"{file} runs keyturn; this folder is not the root of a clone")
    else:
        yield passed_check("hooks", f"{file} runs keyturn, and the hook is installed")


def warning_check(topic: str, code: str, where: str, message: str, hint: str) -> CheckResult:
    """Return a check with a warning about the location ``where``."""
    diagnostic = warning_diagnostic(code, SourceLocation(where), message, hint)
    return checks_from_diagnostics(topic, [diagnostic])[0]


def find_sops_binaries(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Return every sops on PATH in its order; links to the same file count once."""
    found: dict[Path, Path] = {}
    for folder in environment.get("PATH", "").split(os.pathsep):
        path = Path(folder or ".", "sops")
        if path.is_file() and os.access(path, os.X_OK):
            found.setdefault(path.resolve(), path)
    return tuple(found.values())


def find_key_files(environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield the existing files in which sops looks for age keys."""
    named = environment.get(AGE_KEY_FILE_VARIABLE)
    home = environment.get("HOME")
    config = environment.get("XDG_CONFIG_HOME") or (str(Path(home, ".config")) if home else "")
    for path in (named, str(Path(config, "sops/age/keys.txt")) if config else None):
        if path and Path(path).is_file():
            yield Path(path)


def is_readable_by_others(path: Path) -> bool:
    """Return whether group or others may read a file; False for a missing file."""
    try:
        return bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
    except OSError:
        return False


def find_hook_file(root: Path) -> str:
    """Return the hook configuration that runs keyturn, or an empty string."""
    for name in HOOK_FILES:
        try:
            if "keyturn" in (root / name).read_text("utf-8"):
                return name
        except (OSError, UnicodeDecodeError):
            continue
    return ""


def is_hook_installed(root: Path) -> bool | None:
    """Return whether git runs a pre-commit hook; None if ``root`` is not the root of a clone."""
    folder = root / ".git"
    if not folder.is_dir():
        return None
    hook = folder / "hooks" / "pre-commit"
    return hook.is_file() and os.access(hook, os.X_OK)
