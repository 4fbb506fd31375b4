"""The shell around the core: reads, decides through the core, writes, and keeps the journal.

The names below are the engine to whoever uses it, the command line included; docs/reference/library.md
says what is promised of them, and ``__init__.pyi`` what their types are.
"""

from types import MappingProxyType

from keyturn.surface import surface

HOMES = MappingProxyType(
    {
        # to begin
        "find_root": "keyturn.load.project",
        "open_project": "keyturn.load.project",
        "Project": "keyturn.load.project",
        "Workspace": "keyturn.load.project",
        "open_run": "keyturn.engine.starting",
        "open_service": "keyturn.engine.starting",
        "Run": "keyturn.engine.run",
        # to plan
        "plan": "keyturn.engine.planning",
        "Planned": "keyturn.engine.planning",
        "Wish": "keyturn.engine.planning",
        "Consents": "keyturn.core.inputs",
        "Plan": "keyturn.core.plan",
        "Change": "keyturn.core.change",
        "Action": "keyturn.core.change",
        "Address": "keyturn.core.address",
        "with_review": "keyturn.engine.keyless",
        "plan_against_base": "keyturn.engine.keyless",
        "plan_against_ledger": "keyturn.engine.keyless",
        "save_plan": "keyturn.engine.savedplan",
        "open_plan": "keyturn.engine.savedplan",
        "SavedPlan": "keyturn.engine.savedplan",
        # to apply
        "carry_out": "keyturn.engine.session",
        "Terms": "keyturn.engine.session",
        "Report": "keyturn.engine.session",
        "Watch": "keyturn.engine.watch",
        "Alarm": "keyturn.engine.watch",
        "Outcome": "keyturn.core.outcome",
        "Ending": "keyturn.core.outcome",
        "agree": "keyturn.engine.savedplan",
        "reviewed_since": "keyturn.engine.comparing",
        # to look
        "check": "keyturn.engine.checking",
        "Checked": "keyturn.engine.checking",
        "examine": "keyturn.engine.checkup",
        "compare_workspaces": "keyturn.engine.contrasting",
        "review": "keyturn.engine.reviewing",
        "try_out": "keyturn.engine.trying",
        "Budget": "keyturn.engine.trying",
        # to bring in, to set, to take away
        "found": "keyturn.engine.founding",
        "recipients": "keyturn.engine.founding",
        "Choice": "keyturn.engine.templates",
        "bring_in": "keyturn.engine.importing",
        "Order": "keyturn.engine.importing",
        "pull": "keyturn.engine.pulling",
        "Ask": "keyturn.engine.pulling",
        "set_field": "keyturn.engine.sealing",
        "fields_of": "keyturn.engine.sealing",
        "seal_again": "keyturn.engine.sealing",
        "revoke": "keyturn.engine.breakglass",
        "target": "keyturn.engine.breakglass",
        "purge_retired": "keyturn.engine.purging",
        # what goes wrong
        "Faulty": "keyturn.core.diagnostic",
        "Diagnostic": "keyturn.core.diagnostic",
        "Severity": "keyturn.core.diagnostic",
        "ServiceError": "keyturn.api.errors",
        "texts": "keyturn.load.excerpts",
    }
)
"""Each name and the module that it lives in."""

__all__ = list(HOMES)

__getattr__, __dir__ = surface(__name__, HOMES)
