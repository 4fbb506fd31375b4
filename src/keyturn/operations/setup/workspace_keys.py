"""Create the key of a workspace, trust it, and seal changed settings."""

from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from keyturn.files.discovery import load_file
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, error_diagnostic
from keyturn.operations.exclusive_run import exclusive_run
from keyturn.operations.run_context import RunContext, create_system_clock, detect_actor
from keyturn.operations.setup.init_repository import create_manifest_writer
from keyturn.project.keys import open_decryptor
from keyturn.project.known_keys import add_known_key, list_known_key_ids
from keyturn.project.project import Project, Workspace
from keyturn.project.workspace_key import (
    KEY_FILE_HEAD,
    SealAuthor,
    WorkspaceKey,
    build_key_tree,
    find_settings_changes,
    load_workspace_key,
    read_root_key,
    workspace_key_path,
)
from keyturn.project.workspace_store import open_signed_store
from keyturn.trust.derivation import ROOT_KEY_BYTES
from keyturn.trust.signing import SigningKey


class KeyReport(Struct, frozen=True, kw_only=True):
    """The key of a workspace: whether it is trusted here, and how the settings differ from their seal."""

    workspace: str
    key: WorkspaceKey | None
    trusted: bool = False
    changes: tuple[Diagnostic, ...] = ()


def describe_author(root: Path, environment: Mapping[str, str], reason: str = "") -> SealAuthor:
    """Return who seals now, as user and host; ``reason`` is stored in the seal."""
    actor = detect_actor(root, environment)
    return SealAuthor(f"{actor.who}@{actor.host}", create_system_clock().now().date().isoformat(), reason)


def report_workspace_key(project: Project, workspace: Workspace, environment: Mapping[str, str]) -> KeyReport:
    """Return the key of a workspace; decrypts nothing. Raises DiagnosticError for a damaged file."""
    key = load_workspace_key(project, workspace, environment)
    if key is None:
        return KeyReport(workspace=workspace.name, key=None)
    return KeyReport(
        workspace=workspace.name,
        key=key,
        trusted=key.public_key.key_id
        in list_known_key_ids(environment, workspace.name, workspace.organization),
        changes=find_settings_changes(project, workspace, key),
    )


def create_workspace_key(
    project: Project,
    workspace: Workspace,
    environment: Mapping[str, str],
    random_bytes: Callable[[int], bytes],
    author: SealAuthor,
) -> str:
    """Create the key of a workspace that has none, trust it here, and return its ID.

    The key is new: a fingerprint key of the repository may have been written by somebody without a key.
    Raises DiagnosticError: KT229 for a second key, and the errors of sops.
    """
    root_key = random_bytes(ROOT_KEY_BYTES)
    create_manifest_writer(project, environment).create_file(
        workspace_key_path(workspace.name),
        build_key_tree(project, workspace, root_key, author),
        KEY_FILE_HEAD,
    )
    key_id = SigningKey(root_key).public_key.key_id
    add_known_key(environment, workspace.organization, key_id)
    return key_id


def trust_workspace_key(
    project: Project, workspace: Workspace, environment: Mapping[str, str], key_id: str
) -> bool:
    """Trust the key of a workspace if its ID is ``key_id``; return False if it is trusted already.

    Raises DiagnosticError: KT262 without a key, KT260 for another ID.
    """
    report = report_workspace_key(project, workspace, environment)
    where = SourceLocation(workspace_key_path(workspace.name))
    if report.key is None:
        raise _no_key_error(workspace)
    if report.key.public_key.key_id != key_id:
        message = f"the key of workspace {workspace.name} has another ID: {report.key.public_key.key_id}"
        hint = "ask a key holder for the ID again; if the file has another key, review who changed it"
        raise DiagnosticError(error_diagnostic("KT260", where, message, hint))
    if not report.trusted:
        add_known_key(environment, workspace.organization, key_id)
    return not report.trusted


def seal_settings(
    project: Project, workspace: Workspace, environment: Mapping[str, str], author: SealAuthor
) -> None:
    """Seal the current settings of a workspace with its key, under a new data key.

    Raises DiagnosticError for a missing or damaged key, and for one that cannot be decrypted.
    """
    key = load_workspace_key(project, workspace, environment)
    path = workspace_key_path(workspace.name)
    if key is None:
        raise _no_key_error(workspace)
    root_key = read_root_key(project, workspace, open_decryptor(project, environment), environment)
    serial = key.seal.get("serial")
    tree = build_key_tree(
        project, workspace, root_key, author, serial=serial + 1 if isinstance(serial, int) else 1
    )
    before = load_file(project.root, path)
    create_manifest_writer(project, environment).create_file(
        path, tree, KEY_FILE_HEAD, replaced=before.digest
    )


def sign_state(run: RunContext) -> int:
    """Sign the state of a workspace with its key, whoever wrote it; return the number of resources.

    Raises LockHeld, and DiagnosticError for a workspace without a key and for an unreadable state.
    """
    key = load_workspace_key(run.project, run.workspace, run.environment)
    if key is None:
        raise _no_key_error(run.workspace)
    store = open_signed_store(run.project, run.workspace, key, run.environment, accepts_unsigned=True)
    with exclusive_run(replace(run, store=store), "sign-state") as held:
        loaded = held.read_state()
        held.begin_journal(loaded)
        held.end_journal({"resources": len(loaded.state.entries)})
    return len(loaded.state.entries)


def _no_key_error(workspace: Workspace) -> DiagnosticError:
    message = f"workspace {workspace.name} has no key"
    hint = f"ask a key holder to run `keyturn key create -w {workspace.name}`"
    where = SourceLocation(workspace_key_path(workspace.name))
    return DiagnosticError(error_diagnostic("KT262", where, message, hint))
