"""Checks without a key: the seal of the settings of a workspace, and the seals of its connections."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from keyturn.manifests.connection_seal import is_sealed_connection
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity, warning_diagnostic
from keyturn.model.resource import DesiredResource
from keyturn.project.project import Project, Workspace
from keyturn.project.workspace_key import find_settings_changes, load_workspace_key


def check_readable_seals(
    project: Project,
    workspace: Workspace,
    connections: Iterable[DesiredResource],
    environment: Mapping[str, str],
) -> tuple[Diagnostic, ...]:
    """Return warnings: KT261 for changed settings, KT263 for a connection whose seal does not match.

    An apply refuses both. The key itself is not compared with a trusted one, because anybody may run
    this check. A workspace without a key has no seals; a damaged key is KT262.
    """
    try:
        key = load_workspace_key(project, workspace, environment)
    except DiagnosticError as error:
        return error.diagnostics
    if key is None:
        return ()
    settings = find_settings_changes(project, workspace, key)
    return (
        *(replace(each, severity=Severity.WARNING) for each in settings),
        *(
            _moved_connection_warning(each)
            for each in connections
            if each.seal and not is_sealed_connection(each, workspace.name, key.public_key)
        ),
    )


def _moved_connection_warning(connection: DesiredResource) -> Diagnostic:
    message = f"{connection.address} changed after its seal: an apply sends no secret there"
    hint = f"ask a key holder to review it and run `keyturn seal {connection.address} --reason TEXT`"
    warning = warning_diagnostic("KT263", connection.origin, message, hint)
    return replace(warning, address=connection.address)
