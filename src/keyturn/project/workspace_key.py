"""The key of a workspace: its file, and the sealed settings that only a key holder can change.

The file has a root key of 32 random bytes, encrypted by SOPS for the recipients of the workspace. The
key for fingerprints and an Ed25519 key for signatures are derived from it. The public half and the
seal of the settings are readable, so that everybody can verify them without the root key.
"""

import base64
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from keyturn.files.discovery import SourceFile, load_file
from keyturn.git.revision import Revision
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Cause, Diagnostic, DiagnosticError, error_diagnostic
from keyturn.model.fields import MASK_TEXT
from keyturn.model.secret import Secret
from keyturn.model.secret_detection import is_secret_value
from keyturn.model.service_url import is_loopback_host, parse_service_url
from keyturn.policy.settings import find_required_recipients
from keyturn.project.keys import decrypt_stored_key, read_fingerprint_key
from keyturn.project.known_keys import KEY_ID_VARIABLE, list_known_key_ids
from keyturn.project.project import PROJECT_FILE, Project, Workspace
from keyturn.sops.decrypt import Decryptor
from keyturn.sops.recipients import CREATION_RULES_FILE
from keyturn.trust.signing import PublicKey, SigningKey
from keyturn.yamldoc.reader import Document, parse_document

WORKSPACE_KEY_FOLDER: Final = ".keyturn/keys"
"""The folder of the key files; the file of a workspace has its name."""

KEY_FILE_HEAD: Final = (
    "# The key of this workspace. Everybody can verify seals with its public half.\n"
    "# `keyturn key show` prints its ID, `keyturn key seal` seals changed settings of keyturn.yaml.\n"
)
"""The comment at the start of a key file."""

_ROOT_KEY_PATH: Final = ("secrets", "key")
_FOLDER_STATE: Final = "file:"
_SETTING_NAMES: Final = {
    "base_url": "base URL",
    "organization": "organization",
    "api_key": "source of the API key",
    "put": "update mode",
    "recipients": "list of recipients",
    "state": "state location",
}
_SETTINGS_TYPE: Final = "keyturn/workspace/1"


class SealAuthor(Struct, frozen=True):
    """Who sealed something, when (date), and why: notes for readers, signed with the rest."""

    by: str
    at: str
    reason: str = ""


class WorkspaceKey(Struct, frozen=True, kw_only=True):
    """The readable part of a key file: the public key, and the settings as a key holder sealed them."""

    workspace: str
    file: str
    public_key: PublicKey
    settings: Mapping[str, Any]
    seal: Mapping[str, Any]


def workspace_key_path(workspace: str) -> str:
    """Return the path of the key file of a workspace, below the root."""
    return f"{WORKSPACE_KEY_FOLDER}/{workspace}.yaml"


def describe_settings(project: Project, workspace: Workspace) -> dict[str, Any]:
    """Return the settings that a seal covers: where secrets and requests go, and who can decrypt.

    Not covered are the port of a service on this machine, which only tests have, and a state in a folder,
    which is not shared.
    """
    recipients = {
        name
        for path in (*workspace.manifests, workspace_key_path(workspace.name))
        for name in find_required_recipients(project.policy, path) or ()
    }
    url = parse_service_url(workspace.base_url)
    settings: dict[str, Any] = {
        "base_url": "this machine" if is_loopback_host(url.host) else workspace.base_url,
        "organization": workspace.organization,
        "api_key": f"{workspace.api_key.kind} {workspace.api_key.name}",
        "put": workspace.put,
        "recipients": sorted(recipients),
    }
    if not workspace.state_url.startswith(_FOLDER_STATE):
        settings["state"] = workspace.state_url
    return settings


def build_key_tree(
    project: Project, workspace: Workspace, root_key: bytes, author: SealAuthor, serial: int = 1
) -> dict[str, Any]:
    """Return the content of the key file of a workspace, sealed for its current settings."""
    signing_key = SigningKey(root_key)
    settings = describe_settings(project, workspace)
    seal: dict[str, Any] = {"serial": serial, "by": author.by, "at": author.at}
    if author.reason:
        seal["reason"] = author.reason
    signature = signing_key.sign(_SETTINGS_TYPE, _sealed_value(workspace.name, settings, seal))
    return {
        "kind": "workspace-key",
        "workspace": workspace.name,
        "public": str(signing_key.public_key),
        "settings": settings,
        "seal": {**seal, "signature": signature},
        "secrets": {_ROOT_KEY_PATH[1]: Secret(base64.b64encode(root_key).decode())},
    }


def load_workspace_key(
    project: Project, workspace: Workspace, environment: Mapping[str, str]
) -> WorkspaceKey | None:
    """Return the readable part of a workspace's key file, unverified; None without a file.

    The file is that of the revision of the project. Raises DiagnosticError (KT262) for a damaged file.
    """
    source = _read_key_source(project, workspace, environment)
    return None if source is None else _parse_key(parse_document(source.data, source.relative), workspace)


def verify_workspace(
    project: Project, workspace: Workspace, environment: Mapping[str, str]
) -> WorkspaceKey | None:
    """Return the key of a workspace if it is trusted and seals the current settings.

    A workspace without a key has no seals: None, unless a key is known for it. Raises DiagnosticError:
    KT260 for a key that is not known here, KT261 for settings that differ from their seal, KT262 for a
    missing or damaged key.
    """
    key = load_workspace_key(project, workspace, environment)
    known = list_known_key_ids(environment, workspace.name, workspace.organization)
    if key is None:
        if known or environment.get(KEY_ID_VARIABLE):
            raise _missing_key_error(workspace)
        return None
    if key.public_key.key_id not in known:
        raise _unknown_key_error(workspace, key, known=bool(known))
    findings = find_settings_changes(project, workspace, key)
    if findings:
        raise DiagnosticError(*findings)
    return key


def find_settings_changes(
    project: Project, workspace: Workspace, key: WorkspaceKey
) -> tuple[Diagnostic, ...]:
    """Return KT261 for each setting that differs from the seal, or for a seal that is not valid."""
    signature = key.seal.get("signature")
    seal = {name: value for name, value in key.seal.items() if name != "signature"}
    value = _sealed_value(workspace.name, key.settings, seal)
    if not key.public_key.is_signature(signature, _SETTINGS_TYPE, value):
        message = f"the seal of the settings of workspace {workspace.name} is not valid"
        return (_seal_error(SourceLocation(key.file, 1, 1), message),)
    current = describe_settings(project, workspace)
    names = sorted(current.keys() | key.settings.keys())
    if "state" not in key.settings:  # The first shared state replaces one that was local.
        names = [name for name in names if name != "state"]
    return tuple(
        _seal_error(
            SourceLocation(PROJECT_FILE), _describe_setting_change(workspace, name, current, key.settings)
        )
        for name in names
        if name in _SETTING_NAMES and current.get(name) != key.settings.get(name)
    )


def find_key_changes(
    project: Project, workspace: Workspace, base: str, environment: Mapping[str, str]
) -> tuple[Diagnostic, ...]:
    """Return KT260 if the key of a workspace differs from that of the commit ``base``, or is gone.

    Who can merge can write another key: a plan without a trusted key compares with the base.
    """
    before = load_workspace_key(replace(project, revision=base), workspace, environment)
    after = load_workspace_key(project, workspace, environment)
    if before is None or (after is not None and after.public_key == before.public_key):
        return ()
    now = f"is now {after.public_key.key_id}" if after else "is removed"
    message = f"the key of workspace {workspace.name} {now}; in the base, it is {before.public_key.key_id}"
    hint = "review who changed it: seals of another key approve nothing where the base's key is trusted"
    where = SourceLocation(workspace_key_path(workspace.name))
    return (error_diagnostic("KT260", where, message, hint, cause=Cause.TAMPERING),)


def read_root_key(
    project: Project, workspace: Workspace, decrypt: Decryptor, environment: Mapping[str, str]
) -> bytes:
    """Return the root key of a workspace, or the fingerprint key of a repository without workspace keys.

    Raises DiagnosticError: KT040 and KT262 for a missing or damaged key, and the errors of decryption.
    """
    source = _read_key_source(project, workspace, environment)
    if source is None:
        return read_fingerprint_key(project, decrypt)
    document = parse_document(source.data, source.relative)
    root_key = decrypt_stored_key(document, _ROOT_KEY_PATH, decrypt)
    if not root_key or SigningKey(root_key).public_key != _parse_key(document, workspace).public_key:
        raise _damaged_key_error(source.relative)
    return root_key


def _read_key_source(
    project: Project, workspace: Workspace, environment: Mapping[str, str]
) -> SourceFile | None:
    path = workspace_key_path(workspace.name)
    if project.revision:
        found = Revision(project.root, project.revision, environment).find_manifests([path], any_name=True)
        return next(iter(found.sources), None)
    return load_file(project.root, path) if (project.root / path).exists() else None


def _parse_key(document: Document, workspace: Workspace) -> WorkspaceKey:
    tree = document.tree
    settings, seal = tree.get("settings"), tree.get("seal")
    try:
        public_key = PublicKey.parse(tree.get("public"))
    except ValueError:
        raise _damaged_key_error(document.file) from None
    if not isinstance(settings, dict) or not isinstance(seal, dict):
        raise _damaged_key_error(document.file)
    return WorkspaceKey(
        workspace=workspace.name,
        file=document.file,
        public_key=public_key,
        settings=settings,
        seal=seal,
    )


def _sealed_value(workspace: str, settings: Mapping[str, Any], seal: Mapping[str, Any]) -> dict[str, Any]:
    return {"workspace": workspace, "settings": settings, "seal": seal}


def _describe_setting_change(
    workspace: Workspace, name: str, current: Mapping[str, Any], sealed: Mapping[str, Any]
) -> str:
    now, before = _format_setting(name, current), _format_setting(name, sealed)
    what = f"the {_SETTING_NAMES[name]} of workspace {workspace.name}"
    return f"{what}: a key holder sealed {before}, now it is {now}"


def _format_setting(name: str, settings: Mapping[str, Any]) -> str:
    value = settings.get(name)
    if name == "recipients" and not value:
        return f"what {CREATION_RULES_FILE} names"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value or "none")
    # A secret may stand in the place of a setting, such as the name of a variable.
    return MASK_TEXT if is_secret_value(text) else text


def _seal_error(origin: SourceLocation, message: str) -> Diagnostic:
    hint = "review who changed it; if it is intended, a key holder runs `keyturn key seal`"
    return error_diagnostic("KT261", origin, message, hint, cause=Cause.TAMPERING)


def _unknown_key_error(workspace: Workspace, key: WorkspaceKey, *, known: bool) -> DiagnosticError:
    key_id = key.public_key.key_id
    what = "differs from the key that is trusted here" if known else "is not yet trusted here"
    message = f"the key {key_id} of workspace {workspace.name} {what}"
    hint = (
        "ask a key holder whether this is the right ID; then run "
        f"`keyturn key trust {key_id}`, or set {KEY_ID_VARIABLE} in the definition of the job"
    )
    return DiagnosticError(
        error_diagnostic("KT260", SourceLocation(key.file), message, hint, cause=Cause.TAMPERING)
    )


def _missing_key_error(workspace: Workspace) -> DiagnosticError:
    path = workspace_key_path(workspace.name)
    message = f"workspace {workspace.name} has no key, although one is trusted here"
    return DiagnosticError(
        error_diagnostic(
            "KT262", SourceLocation(path), message, "restore the file from git", cause=Cause.TAMPERING
        )
    )


def _damaged_key_error(file: str) -> DiagnosticError:
    hint = "restore the file from git: with another key, no seal is valid and every secret appears rotated"
    return DiagnosticError(
        error_diagnostic("KT262", SourceLocation(file), "the key of the workspace is damaged", hint)
    )
