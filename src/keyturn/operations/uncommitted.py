"""The files of a run that its commit does not have: what the journal says, and what the policy refuses."""

from keyturn.git.status import find_uncommitted_files
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import DiagnosticError, error_diagnostic, pluralize
from keyturn.operations.run_context import RunContext
from keyturn.project.project import PROJECT_FILE


def list_uncommitted_files(run: RunContext) -> tuple[str, ...] | None:
    """Return keyturn.yaml, keys and manifests of the workspace that HEAD does not have in this form.

    The result is None outside of a repository and before the first commit.
    """
    if not run.actor.commit:
        return None
    paths = (PROJECT_FILE, run.project.fingerprint_key, *run.workspace.manifests)
    return find_uncommitted_files(run.root, paths, run.environment)


def reject_uncommitted_files(run: RunContext) -> None:
    """Raise DiagnosticError KT486 for uncommitted files if the policy refuses an apply of them."""
    if run.project.policy.uncommitted != "refuse":
        return
    files = list_uncommitted_files(run)
    if files:
        count = pluralize(len(files), "file")
        message = f"the commit does not have {count} of this workspace: {describe_files(files)}"
        hint = "commit the files and have them reviewed; `policy.uncommitted: warn` allows the apply"
        raise DiagnosticError(error_diagnostic("KT486", SourceLocation(files[0]), message, hint))


def describe_files(files: tuple[str, ...], limit: int = 3) -> str:
    """Return the first paths in one line, and how many more there are."""
    more = len(files) - limit
    return ", ".join(files[:limit]) + (f" and {more} more" if more > 0 else "")
