from keyturn.render.contrast import draw_contrast as draw_contrast
from keyturn.render.finding_forms import draw_findings as draw_findings
from keyturn.render.findings import Findings as Findings
from keyturn.render.health import draw_health as draw_health
from keyturn.render.importing import draw_imported as draw_imported
from keyturn.render.json_text import inert as inert
from keyturn.render.plan_forms import draw_plan as draw_plan
from keyturn.render.pulling import draw_pulled as draw_pulled
from keyturn.render.report import draw_report as draw_report
from keyturn.render.safe import line as line
from keyturn.render.since import Side as Side
from keyturn.render.since import since_text as since_text
from keyturn.render.style import Style as Style
from keyturn.render.trials import draw_trials as draw_trials
from keyturn.render.usage_forms import draw_usage as draw_usage

__all__ = [
    "Findings",
    "Side",
    "Style",
    "draw_contrast",
    "draw_findings",
    "draw_health",
    "draw_imported",
    "draw_plan",
    "draw_pulled",
    "draw_report",
    "draw_trials",
    "draw_usage",
    "inert",
    "line",
    "since_text",
]
