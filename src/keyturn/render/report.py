"""The end of an apply, told (a first form)."""


def report_text(outcomes, style):
    return "\n".join(
        f"{o.ending.value} {o.action} {o.address} {o.message} {o.hint} {o.warnings}" for o in outcomes
    )


def report_json(plan, outcomes):
    return "{}"
