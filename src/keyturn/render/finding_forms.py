"""Findings in each of their forms."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from keyturn.render.findings import (
    Findings,
    findings_concise,
    findings_json,
    findings_markdown,
    findings_text,
    stopped,
)
from keyturn.render.forms import chosen
from keyturn.render.style import PLAIN, Style


def _annotated(form: str, findings: Findings, _: Style) -> str:
    # XML's escaping comes with half of the network's modules, which a hook need not wait for.
    from keyturn.render.annotations import ANNOTATIONS  # noqa: PLC0415

    return ANNOTATIONS[form](findings)


FORMS: Final[Mapping[str, Callable[[Findings, Style], str]]] = {
    "text": findings_text,
    "stopped": stopped,
    "concise": findings_concise,
    "json": lambda findings, _: findings_json(findings),
    "markdown": lambda findings, _: findings_markdown(findings),
    **{form: partial(_annotated, form) for form in ("github", "gitlab", "sarif", "junit")},
}


def draw_findings(findings: Findings, form: str = "text", style: Style = PLAIN) -> str:
    """Return findings in one of their forms; raises ValueError for one that there is not.

    ``text`` has code frames where ``findings`` hold the files' content, and counts at its end;
    ``stopped`` is the same for what stopped a whole run, so that nothing is counted; ``concise`` has
    a line for each; ``json`` is as ``schemas/findings.schema.json`` says; ``github``, ``gitlab``
    (Code Quality), ``sarif`` (2.1.0) and ``junit`` are for what shows them beside the files.
    """
    return chosen(FORMS, form)(findings, style)
