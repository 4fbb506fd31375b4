"""Plan a workspace, write the plan as Markdown, and apply it unless it retires or replaces an object."""

import os
import sys
from pathlib import Path

from keyturn import public

NEEDS_REVIEW = {public.Action.RETIRE, public.Action.REPLACE}


def deploy(folder: Path, workspace: str) -> bool:
    """Return whether the workspace now matches the manifests."""
    options = public.PlanOptions()
    with public.open_run_context(folder, workspace, os.environ) as run:
        reviewed = public.plan_workspace(run, options).plan
        Path("plan.md").write_text(public.render_plan(reviewed, "markdown"), "utf-8")
        if any(change.action in NEEDS_REVIEW for change in reviewed.changes):
            print("plan.md retires or replaces an object: a person has to review it")
            return False

        def approve(result: public.PlanResult) -> bool:
            # apply_plan plans again under the lock. Only the plan in plan.md is approved.
            return result.plan.approval_digest() == reviewed.approval_digest()

        report = public.apply_plan(run, options, public.ApplyOptions(), approve)
    print(public.render_apply_report(report.plan, report.outcomes), end="")
    done = public.OutcomeStatus.DONE
    return report.approved and all(outcome.outcome_status is done for outcome in report.outcomes)


if __name__ == "__main__":
    try:
        sys.exit(0 if deploy(Path(sys.argv[1]), sys.argv[2]) else 1)
    except public.DiagnosticError as error:
        diagnostics = error.diagnostics
    except public.ServiceError as error:
        diagnostics = (error.to_diagnostic(),)
    sys.exit(public.render_diagnostics(public.DiagnosticReport(diagnostics=diagnostics), "stopped"))
