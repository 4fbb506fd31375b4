from keyturn.api.errors import ServiceError as ServiceError
from keyturn.core.address import Address as Address
from keyturn.core.change import Action as Action
from keyturn.core.change import Change as Change
from keyturn.core.diagnostic import Diagnostic as Diagnostic
from keyturn.core.diagnostic import Faulty as Faulty
from keyturn.core.diagnostic import Severity as Severity
from keyturn.core.inputs import Consents as Consents
from keyturn.core.outcome import Ending as Ending
from keyturn.core.outcome import Outcome as Outcome
from keyturn.core.plan import Plan as Plan
from keyturn.engine.breakglass import revoke as revoke
from keyturn.engine.breakglass import target as target
from keyturn.engine.checking import Checked as Checked
from keyturn.engine.checking import check as check
from keyturn.engine.checkup import examine as examine
from keyturn.engine.comparing import reviewed_since as reviewed_since
from keyturn.engine.contrasting import compare_workspaces as compare_workspaces
from keyturn.engine.founding import found as found
from keyturn.engine.founding import recipients as recipients
from keyturn.engine.importing import Order as Order
from keyturn.engine.importing import bring_in as bring_in
from keyturn.engine.keyless import plan_against_base as plan_against_base
from keyturn.engine.keyless import plan_against_ledger as plan_against_ledger
from keyturn.engine.keyless import with_review as with_review
from keyturn.engine.planning import Planned as Planned
from keyturn.engine.planning import Wish as Wish
from keyturn.engine.planning import plan as plan
from keyturn.engine.pulling import Ask as Ask
from keyturn.engine.pulling import pull as pull
from keyturn.engine.purging import purge_retired as purge_retired
from keyturn.engine.reviewing import review as review
from keyturn.engine.run import Run as Run
from keyturn.engine.savedplan import SavedPlan as SavedPlan
from keyturn.engine.savedplan import agree as agree
from keyturn.engine.savedplan import open_plan as open_plan
from keyturn.engine.savedplan import save_plan as save_plan
from keyturn.engine.sealing import fields_of as fields_of
from keyturn.engine.sealing import seal_again as seal_again
from keyturn.engine.sealing import set_field as set_field
from keyturn.engine.session import Report as Report
from keyturn.engine.session import Terms as Terms
from keyturn.engine.session import carry_out as carry_out
from keyturn.engine.starting import open_run as open_run
from keyturn.engine.starting import open_service as open_service
from keyturn.engine.templates import Choice as Choice
from keyturn.engine.trying import Budget as Budget
from keyturn.engine.trying import try_out as try_out
from keyturn.engine.watch import Alarm as Alarm
from keyturn.engine.watch import Watch as Watch
from keyturn.load.excerpts import texts as texts
from keyturn.load.project import Project as Project
from keyturn.load.project import Workspace as Workspace
from keyturn.load.project import find_root as find_root
from keyturn.load.project import open_project as open_project

__all__ = [
    "Action",
    "Address",
    "Alarm",
    "Ask",
    "Budget",
    "Change",
    "Checked",
    "Choice",
    "Consents",
    "Diagnostic",
    "Ending",
    "Faulty",
    "Order",
    "Outcome",
    "Plan",
    "Planned",
    "Project",
    "Report",
    "Run",
    "SavedPlan",
    "ServiceError",
    "Severity",
    "Terms",
    "Watch",
    "Wish",
    "Workspace",
    "agree",
    "bring_in",
    "carry_out",
    "check",
    "compare_workspaces",
    "examine",
    "fields_of",
    "find_root",
    "found",
    "open_plan",
    "open_project",
    "open_run",
    "open_service",
    "plan",
    "plan_against_base",
    "plan_against_ledger",
    "pull",
    "purge_retired",
    "recipients",
    "review",
    "reviewed_since",
    "revoke",
    "save_plan",
    "seal_again",
    "set_field",
    "target",
    "texts",
    "try_out",
    "with_review",
]
