"""Compare the manifests of two workspaces of a project."""

from collections.abc import Callable, Mapping

from keyturn.manifests.loader import load_manifests
from keyturn.manifests.secrets import decrypt_manifests
from keyturn.model.address import Address
from keyturn.model.diagnostic import DiagnosticError, Severity
from keyturn.model.fields import FieldPath
from keyturn.model.resource import DesiredResource
from keyturn.model.secret import Secret
from keyturn.planning.workspace_diff import WorkspaceDiff, diff_resources
from keyturn.policy.rule import compute_run_fingerprints
from keyturn.policy.settings import PolicySettings, find_environment_by_prefix
from keyturn.project.project import Project, Workspace

_DEFAULT_PREFIXES = {"dev": "dev-", "staging": "staging-", "prod": "prod-"}


def compare_workspaces(
    project: Project, sides: tuple[Workspace, Workspace], environment: Mapping[str, str], random_bytes: bytes
) -> WorkspaceDiff:
    """Compare the manifests of two workspaces, and their secrets if all of them can be decrypted.

    ``random_bytes`` is the key of the fingerprints of this comparison. Raises DiagnosticError for
    invalid manifests.
    """
    left, right = (_load_desired(project, each) for each in sides)
    equal = _find_equal_secrets(project, (left, right), environment, random_bytes)
    strip = _build_prefix_stripper(project.policy)
    pairs = diff_resources(left, right, (strip, strip), equal or frozenset())
    return WorkspaceDiff((sides[0].name, sides[1].name), pairs, equal is not None)


def _load_desired(project: Project, workspace: Workspace) -> tuple[DesiredResource, ...]:
    loaded = load_manifests(project, workspace)
    errors = [each for each in loaded.diagnostics if each.severity is Severity.ERROR]
    if errors:
        raise DiagnosticError(*errors)
    return loaded.desired


def _build_prefix_stripper(settings: PolicySettings) -> Callable[[str], str]:
    prefixes = {name: each.prefix for name, each in settings.environments.items()} or _DEFAULT_PREFIXES

    def strip_environment(name: str) -> str:
        return name.removeprefix(prefixes.get(find_environment_by_prefix(name, settings), "")) or name

    return strip_environment


def _find_equal_secrets(
    project: Project,
    sides: tuple[tuple[DesiredResource, ...], tuple[DesiredResource, ...]],
    environment: Mapping[str, str],
    random_bytes: bytes,
) -> frozenset[tuple[Address, FieldPath]] | None:
    encrypted = tuple(each for side in sides for each in side if each.secrets)
    try:
        decrypted = decrypt_manifests(encrypted, project, environment) if encrypted else ()
    except DiagnosticError:
        return None
    files = {each.origin.file: each for each in decrypted}
    fingerprints = compute_run_fingerprints(
        {file: _select_decrypted_secrets(each) for file, each in files.items()}, random_bytes
    )
    right_files = {each.origin.file for each in sides[1]}
    strip = _build_prefix_stripper(project.policy)
    right_secrets = {
        (each.address.kind, strip(each.address.name), path, fingerprints[file, path])
        for file, each in files.items()
        for path in each.secrets
        if file in right_files
    }
    return frozenset(
        (each.address, path)
        for file, each in files.items()
        for path in each.secrets
        if file not in right_files
        if (each.address.kind, strip(each.address.name), path, fingerprints[file, path]) in right_secrets
    )


def _select_decrypted_secrets(desired: DesiredResource) -> Mapping[FieldPath, Secret]:
    return {path: value for path, value in desired.secrets.items() if isinstance(value, Secret)}
