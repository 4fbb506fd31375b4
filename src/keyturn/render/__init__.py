"""What was decided becomes what is read: pure functions, a value in, a string out.

The names below are the renderers to whoever uses them, the command line included;
docs/reference/library.md says what is promised of them, and ``__init__.pyi`` what their types are.
"""

from types import MappingProxyType

from keyturn.surface import surface

HOMES = MappingProxyType(
    {
        "draw_plan": "keyturn.render.plan_forms",
        "draw_report": "keyturn.render.report",
        "draw_findings": "keyturn.render.finding_forms",
        "Findings": "keyturn.render.findings",
        "since_text": "keyturn.render.since",
        "Side": "keyturn.render.since",
        "draw_contrast": "keyturn.render.contrast",
        "draw_health": "keyturn.render.health",
        "draw_trials": "keyturn.render.trials",
        "draw_usage": "keyturn.render.usage_forms",
        "draw_pulled": "keyturn.render.pulling",
        "draw_imported": "keyturn.render.importing",
        "line": "keyturn.render.safe",
        "inert": "keyturn.render.json_text",
        "Style": "keyturn.render.style",
    }
)
"""Each name and the module that it lives in."""

__all__ = list(HOMES)

__getattr__, __dir__ = surface(__name__, HOMES)
