"""Plan a workspace, write the plan as Markdown, and apply it unless it takes something away."""

import os
import sys
from pathlib import Path

from keyturn import operations, views

ASK_FIRST = {operations.Action.RETIRE, operations.Action.REPLACE}


def deploy(folder: Path, workspace: str) -> bool:
    """Return whether the workspace is now as git says."""
    wish = operations.Wish()
    with operations.open_run(folder, workspace, os.environ) as run:
        reviewed = operations.plan(run, wish).plan
        Path("plan.md").write_text(views.draw_plan(reviewed, "markdown"), "utf-8")
        if any(change.action in ASK_FIRST for change in reviewed.changes):
            print("plan.md takes something away: it waits for a person")
            return False

        def decide(planned: operations.Planned) -> bool:
            # It was planned again under the lock: only what stands in plan.md is agreed to.
            return planned.plan.digest() == reviewed.digest()

        report = operations.carry_out(run, wish, operations.Terms(), decide)
    print(views.draw_report(report.plan, report.outcomes), end="")
    return report.agreed and all(each.ending is operations.Ending.DONE for each in report.outcomes)


if __name__ == "__main__":
    try:
        sys.exit(0 if deploy(Path(sys.argv[1]), sys.argv[2]) else 1)
    except operations.Faulty as faulty:
        found = faulty.findings
    except operations.ServiceError as error:
        found = (error.finding(),)
    sys.exit(views.draw_findings(views.Findings(found=found), "stopped"))
