"""Rejects the use of keys for CI events that are not known to run reviewed files.

The trusted events are pushes, schedules, manual runs, merge queues and pull requests of the same repository.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity

TRUST_OVERRIDE = "KEYTURN_TRUST_EVENT"
"""The environment variable that declares an event trusted."""

_GITHUB_EVENTS: Final = ("push", "schedule", "workflow_dispatch", "merge_group", "pull_request")
_GITLAB_SOURCES: Final = ("push", "schedule", "web", "merge_request_event")


def reject_untrusted_event(environment: Mapping[str, str]) -> None:
    """Raise DiagnosticError (KT031) for an untrusted CI event."""
    reason = find_untrusted_event(environment)
    if reason and environment.get(TRUST_OVERRIDE) != "1":
        raise DiagnosticError(
            Diagnostic(
                code="KT031",
                severity=Severity.ERROR,
                message=f"keys are not used for this CI event: {reason}",
                origin=SourceLocation("environment"),
                hint=f"use `keyturn plan --offline`; if the event is trusted, set {TRUST_OVERRIDE}=1",
            )
        )


def find_untrusted_event(environment: Mapping[str, str]) -> str:
    """Return why the CI event is not trusted; empty if it is.

    Reads the variables of GitHub Actions (``GITHUB_EVENT_NAME``, ``GITHUB_EVENT_PATH``) and GitLab CI
    (``CI_PIPELINE_SOURCE``, ``CI_MERGE_REQUEST_SOURCE_PROJECT_PATH``, ``CI_PROJECT_PATH``).
    """
    event = environment.get("GITHUB_EVENT_NAME", "")
    if event == "pull_request_target":
        return "pull_request_target runs files of the pull request with secrets of the base repository"
    if event == "pull_request" and _is_from_fork(environment.get("GITHUB_EVENT_PATH", "")):
        return "the pull request comes from a fork"
    if event and event not in _GITHUB_EVENTS:
        return f"{event} is not one of {', '.join(_GITHUB_EVENTS)}"
    source = environment.get("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH", "")
    if source and source != environment.get("CI_PROJECT_PATH", ""):
        return "the merge request comes from a fork"
    pipeline = environment.get("CI_PIPELINE_SOURCE", "")
    if pipeline and pipeline not in _GITLAB_SOURCES:
        return f"{pipeline} is not one of {', '.join(_GITLAB_SOURCES)}"
    return ""


def _is_from_fork(path: str) -> bool:
    try:
        event = json.loads(Path(path).read_text("utf-8"))
        request = event["pull_request"]
        return bool(request["head"]["repo"]["full_name"] != request["base"]["repo"]["full_name"])
    except (OSError, ValueError, LookupError, TypeError):
        # An unreadable event is not trusted.
        return True
