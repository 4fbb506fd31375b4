"""The part of a check-up that needs no service: tools, keys, files, hooks."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec.structs import replace

from keyturn.core.address import Origin
from keyturn.core.counting import counted
from keyturn.core.diagnostic import Cause, Diagnostic, Faulty, Severity
from keyturn.core.health import Check, State, found, good, untried
from keyturn.load.decrypt import opener
from keyturn.load.desired import load
from keyturn.load.findings import doubt
from keyturn.load.keys import keyring
from keyturn.load.project import Project, Workspace
from keyturn.load.repository_key import repository_key
from keyturn.load.sops_binary import WRITING_FLOOR, find_sops
from keyturn.load.tools import HOOKS, hook_file, hook_installed, key_files, readable_by_others, sops_on_path
from keyturn.load.unseal import unseal

IGNORED = (
    "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy",
    "SSLKEYLOGFILE", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
)  # fmt: skip
"""Variables by which others take part in what is said to the API; keyturn obeys none of them."""

SHOWN = 5
"""How many findings of manifests are told one by one."""


def tools(environment: Mapping[str, str]) -> Iterator[Check]:
    """Check sops: there, new enough, and one."""
    try:
        sops = find_sops(environment)
    except Faulty as faulty:
        yield from found("sops", faulty.findings)
        return
    version = ".".join(map(str, sops.version))
    yield good("sops", f"{version} at {sops.binary}")
    if sops.version < WRITING_FLOOR:
        hint = "install sops 3.11 or newer: older ones would show a secret in the list of processes"
        yield from found("sops", [doubt("KT011", Origin("sops"), f"{version} can read but not write", hint)])
    others = sops_on_path(environment)
    if len(others) > 1:
        message = f"{len(others)} of them are on PATH: {', '.join(map(str, others))}"
        hint = "remove all but the first, which is used: an editor or a hook may use an older one"
        yield from found("sops", [doubt("KT080", Origin("PATH"), message, hint)])


def variables(environment: Mapping[str, str]) -> Iterator[Check]:
    """Say which variables of the environment are set and have no effect."""
    for name in IGNORED:
        if environment.get(name):
            message = "is set, and keyturn does not use it: the API is asked directly, by the system's CAs"
            hint = "nothing to do, unless the API can be reached through that proxy alone"
            note = Diagnostic(
                code="KT084", severity=Severity.NOTE, message=message, origin=Origin(name), hint=hint
            )
            yield from found("environment", [note])


def keys(environment: Mapping[str, str], project: Project | None) -> Iterator[Check]:
    """Check the decryption keys: there, readable by their owner alone, and the right ones."""
    ring = keyring(environment)
    yield from found("keys", ring.findings)
    for path in key_files(environment):
        if readable_by_others(path):
            message = "this key file can be read by others on this machine"
            yield from found("keys", [doubt("KT081", Origin(str(path)), message, f"chmod 600 {path}")])
    if ring.recipients:
        yield good("keys", f"age: {', '.join(sorted(ring.recipients))}")
    if project is None:
        return
    try:
        repository_key(project, opener(environment, project.policy, project.decryptor))
    except Faulty as faulty:
        yield from found("keys", faulty.findings)
    else:
        yield good("keys", "they open the repository's fingerprint key")


def manifests(
    environment: Mapping[str, str], project: Project, workspace: Workspace, *, decrypt: bool
) -> Iterator[Check]:
    """Check the files: no half merge, nothing that stops a plan; with ``decrypt``, that they open."""
    loaded = load(project, workspace)
    errors = [each for each in loaded.findings if each.severity is Severity.ERROR]
    torn = [each for each in errors if each.cause is Cause.MERGE_CONFLICT]
    rest = [each for each in errors if each.cause is not Cause.MERGE_CONFLICT]
    yield from found("manifests", (*torn, *rest[:SHOWN]))
    if len(rest) > SHOWN:
        message = f"{counted(len(rest) - SHOWN, 'more error')}: keyturn validate tells all of them"
        yield Check(topic="manifests", state=State.BROKEN, message=message)
    if not errors:
        yield good("manifests", f"{counted(len(loaded.desired), 'resource')} in {workspace.name}")
    holding = tuple(each for each in loaded.desired if each.secrets)
    if not decrypt:
        yield untried("manifests", "not decrypted: this event is not trusted")
        return
    try:
        unseal(holding, project, environment)
    except Faulty as faulty:
        named = [each for each in faulty.findings if each.cause is not Cause.NO_KEY]
        if not named:
            yield untried("manifests", "without a key, it is not known whether every file still opens")
        yield from found("manifests", map(_with_repair, named[:SHOWN]))
    else:
        yield good("manifests", f"{counted(len(holding), 'encrypted file')} opened; every seal holds")


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


def hooks(root: Path) -> Iterator[Check]:
    """Check that manifests are validated before a commit."""
    file, installed = hook_file(root), hook_installed(root)
    if not file:
        hint = "add the hook keyturn-validate to .pre-commit-config.yaml: `keyturn init` shows how"
        yield from found("hooks", [doubt("KT085", Origin(HOOKS[0]), "no hook runs keyturn validate", hint)])
    elif installed is False:
        hint = "run: pre-commit install"
        yield from found(
            "hooks", [doubt("KT085", Origin(file), "the hook is not installed in this clone", hint)]
        )
    elif installed is None:
        yield untried("hooks", f"{file} runs keyturn; whether it is installed is not known here")
    else:
        yield good("hooks", f"{file} runs keyturn, and git runs it")
