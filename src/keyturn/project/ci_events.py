"""Events of a pipeline under which no key is used: a stranger's pull request with secrets in reach."""

import json
from collections.abc import Mapping
from pathlib import Path

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity

TRUST_OVERRIDE = "KEYTURN_TRUST_EVENT"
"""The variable that says that an event is safe although it does not look so."""


def reject_untrusted_event(surroundings: Mapping[str, str]) -> None:
    """Raise Faulty KT031 where the pipeline runs for a fork or with the base's secrets."""
    reason = untrusted_event(surroundings)
    if reason and surroundings.get(TRUST_OVERRIDE) != "1":
        raise DiagnosticError(
            Diagnostic(
                code="KT031",
                severity=Severity.ERROR,
                message=f"no key is used here: {reason}",
                origin=SourceLocation("environment"),
                hint=f"use `keyturn plan --offline`; where the event is safe, set {TRUST_OVERRIDE}=1",
            )
        )


def untrusted_event(surroundings: Mapping[str, str]) -> str:
    """Return why the pipeline's event is not to be trusted, empty where nothing speaks against it.

    Reads what GitHub Actions (``GITHUB_EVENT_NAME``, ``GITHUB_EVENT_PATH``) and GitLab CI
    (``CI_MERGE_REQUEST_SOURCE_PROJECT_PATH``, ``CI_PROJECT_PATH``) tell of themselves.
    """
    event = surroundings.get("GITHUB_EVENT_NAME", "")
    if event == "pull_request_target":
        return "pull_request_target runs a stranger's files with the base's secrets"
    if event.startswith("pull_request") and _is_from_fork(surroundings.get("GITHUB_EVENT_PATH", "")):
        return "the pull request comes from a fork"
    source = surroundings.get("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH", "")
    if source and source != surroundings.get("CI_PROJECT_PATH", ""):
        return "the merge request comes from a fork"
    return ""


def _is_from_fork(path: str) -> bool:
    try:
        event = json.loads(Path(path).read_text("utf-8"))
        request = event["pull_request"]
        return bool(request["head"]["repo"]["full_name"] != request["base"]["repo"]["full_name"])
    except (OSError, ValueError, LookupError, TypeError):
        # What cannot be read cannot vouch for anything.
        return True
