"""The part of a check-up that needs no service: tools, keys, files, hooks."""

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
from keyturn.project.keys import read_fingerprint_key
from keyturn.project.project import Project, Workspace
from keyturn.sops.age_keys import AGE_KEY_FILE_VARIABLE, find_age_keys
from keyturn.sops.binary import MIN_WRITING_SOPS_VERSION, find_sops
from keyturn.sops.decrypt import decryptor_for

HOOK_FILES: Final = (".pre-commit-config.yaml", ".pre-commit-config.yml", "lefthook.yml", ".husky/pre-commit")
"""Files in which a repository says what runs before a commit."""


def find_sops_binaries(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Return every sops that PATH leads to, the one that is used first; links to one file count once."""
    found: dict[Path, Path] = {}
    for folder in environment.get("PATH", "").split(os.pathsep):
        place = Path(folder or ".", "sops")
        if place.is_file() and os.access(place, os.X_OK):
            found.setdefault(place.resolve(), place)
    return tuple(found.values())


def find_key_files(environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield the files in which sops looks for age keys, as far as they exist."""
    named = environment.get(AGE_KEY_FILE_VARIABLE)
    home = environment.get("HOME")
    config = environment.get("XDG_CONFIG_HOME") or (str(Path(home, ".config")) if home else "")
    for path in (named, str(Path(config, "sops/age/keys.txt")) if config else None):
        if path and Path(path).is_file():
            yield Path(path)


def is_readable_by_others(path: Path) -> bool:
    """Tell whether anybody but the owner may read a file; a file that is not there is read by nobody."""
    try:
        return bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
    except OSError:
        return False


def find_hook_file(root: Path) -> str:
    """Return the file that has keyturn run before a commit, empty where none names it."""
    for name in HOOK_FILES:
        try:
            if "keyturn" in (root / name).read_text("utf-8"):
                return name
        except (OSError, UnicodeDecodeError):
            continue
    return ""


def is_hook_installed(root: Path) -> bool | None:
    """Tell whether git runs anything before a commit; None where ``root`` is not the top of a clone."""
    folder = root / ".git"
    if not folder.is_dir():
        return None
    hook = folder / "hooks" / "pre-commit"
    return hook.is_file() and os.access(hook, os.X_OK)


IGNORED_VARIABLES = (
    "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy",
    "SSLKEYLOGFILE", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
)  # fmt: skip
"""Variables by which others take part in what is said to the API; keyturn obeys none of them."""

MAX_SHOWN_ERRORS = 5
"""How many findings of manifests are told one by one."""


def check_sops(environment: Mapping[str, str]) -> Iterator[CheckResult]:
    """Check sops: there, new enough, and one."""
    try:
        sops = find_sops(environment)
    except DiagnosticError as faulty:
        yield from checks_from_diagnostics("sops", faulty.diagnostics)
        return
    version = ".".join(map(str, sops.version))
    yield passed_check("sops", f"{version} at {sops.binary}")
    if sops.version < MIN_WRITING_SOPS_VERSION:
        hint = "install sops 3.11 or newer: older ones would show a secret in the list of processes"
        yield from checks_from_diagnostics(
            "sops",
            [warning_diagnostic("KT011", SourceLocation("sops"), f"{version} can read but not write", hint)],
        )
    others = find_sops_binaries(environment)
    if len(others) > 1:
        message = f"{len(others)} of them are on PATH: {', '.join(map(str, others))}"
        hint = "remove all but the first, which is used: an editor or a hook may use an older one"
        yield from checks_from_diagnostics(
            "sops", [warning_diagnostic("KT080", SourceLocation("PATH"), message, hint)]
        )


def check_environment(environment: Mapping[str, str]) -> Iterator[CheckResult]:
    """Say which variables of the environment are set and have no effect."""
    for name in IGNORED_VARIABLES:
        if environment.get(name):
            message = "is set, and keyturn does not use it: the API is asked directly, by the system's CAs"
            hint = "nothing to do, unless the API can be reached through that proxy alone"
            note = Diagnostic(
                code="KT084", severity=Severity.NOTE, message=message, origin=SourceLocation(name), hint=hint
            )
            yield from checks_from_diagnostics("environment", [note])


def check_decryption_keys(environment: Mapping[str, str], project: Project | None) -> Iterator[CheckResult]:
    """Check the decryption keys: there, readable by their owner alone, and the right ones."""
    ring = find_age_keys(environment)
    yield from checks_from_diagnostics("keys", ring.diagnostics)
    for path in find_key_files(environment):
        if is_readable_by_others(path):
            message = "this key file can be read by others on this machine"
            yield from checks_from_diagnostics(
                "keys", [warning_diagnostic("KT081", SourceLocation(str(path)), message, f"chmod 600 {path}")]
            )
    if ring.recipients:
        yield passed_check("keys", f"age: {', '.join(sorted(ring.recipients))}")
    if project is None:
        return
    try:
        read_fingerprint_key(project, decryptor_for(environment, project.policy, project.decryptor))
    except DiagnosticError as faulty:
        yield from checks_from_diagnostics("keys", faulty.diagnostics)
    else:
        yield passed_check("keys", "they open the repository's fingerprint key")


def check_manifests(
    environment: Mapping[str, str], project: Project, workspace: Workspace, *, decrypt: bool
) -> Iterator[CheckResult]:
    """Check the files: no half merge, nothing that stops a plan; with ``decrypt``, that they open."""
    loaded = load_manifests(project, workspace)
    errors = [each for each in loaded.diagnostics if each.severity is Severity.ERROR]
    torn = [each for each in errors if each.cause is Cause.MERGE_CONFLICT]
    rest = [each for each in errors if each.cause is not Cause.MERGE_CONFLICT]
    yield from checks_from_diagnostics("manifests", (*torn, *rest[:MAX_SHOWN_ERRORS]))
    if len(rest) > MAX_SHOWN_ERRORS:
        message = f"{pluralize_or_none(len(rest) - MAX_SHOWN_ERRORS, 'more error')}: keyturn validate tells all of them"
        yield CheckResult(topic="manifests", status=CheckStatus.FAILED, message=message)
    if not errors:
        yield passed_check(
            "manifests", f"{pluralize_or_none(len(loaded.desired), 'resource')} in {workspace.name}"
        )
    holding = tuple(each for each in loaded.desired if each.secrets)
    if not decrypt:
        yield skipped_check("manifests", "not decrypted: this event is not trusted")
        return
    try:
        decrypt_manifests(holding, project, environment)
    except DiagnosticError as faulty:
        named = [each for each in faulty.diagnostics if each.cause is not Cause.NO_KEY]
        if not named:
            yield skipped_check("manifests", "without a key, it is not known whether every file still opens")
        yield from checks_from_diagnostics("manifests", map(_with_repair, named[:MAX_SHOWN_ERRORS]))
    else:
        yield passed_check(
            "manifests", f"{pluralize_or_none(len(holding), 'encrypted file')} opened; every seal holds"
        )


def _with_repair(finding: Diagnostic) -> Diagnostic:
    if finding.cause is not Cause.MAC_MISMATCH:
        return finding
    file = finding.origin.file
    name = Path(file).stem
    hint = (
        f"git checkout origin/main -- {file}, then make the change again; after a merge whose sides are "
        f"both meant and reviewed: sops set --ignore-mac {file} '[\"name\"]' '\"{name}\"', then "
        f"keyturn seal {name}"
    )
    return replace(finding, hint=hint)


def check_hooks(root: Path) -> Iterator[CheckResult]:
    """Check that manifests are validated before a commit."""
    file, installed = find_hook_file(root), is_hook_installed(root)
    if not file:
        hint = "add the hook keyturn-validate to .pre-commit-config.yaml: `keyturn init` shows how"
        yield from checks_from_diagnostics(
            "hooks",
            [
                warning_diagnostic(
                    "KT085", SourceLocation(HOOK_FILES[0]), "no hook runs keyturn validate", hint
                )
            ],
        )
    elif installed is False:
        hint = "run: pre-commit install"
        yield from checks_from_diagnostics(
            "hooks",
            [
                warning_diagnostic(
                    "KT085", SourceLocation(file), "the hook is not installed in this clone", hint
                )
            ],
        )
    elif installed is None:
        yield skipped_check("hooks", f"{file} runs keyturn; whether it is installed is not known here")
    else:
        yield passed_check("hooks", f"{file} runs keyturn, and git runs it")
