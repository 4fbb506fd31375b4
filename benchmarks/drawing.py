"""How long a plan takes to be drawn and how large it gets, for plans of any size."""

import time
from collections.abc import Iterator

from measure import Measure

from keyturn.model.address import Address, SourceLocation
from keyturn.model.change import MISSING, Action, Change, FieldChange
from keyturn.model.plan import Plan
from keyturn.model.resource import DesiredResource
from keyturn.views.plan.builder import build_view
from keyturn.views.plan.html import render_plan_html
from keyturn.views.plan.json import render_plan_json
from keyturn.views.plan.markdown import render_plan_markdown
from keyturn.views.plan.text import render_plan_text

FORMS = {
    "text": lambda plan: render_plan_text(build_view(plan)),
    "comment": lambda plan: render_plan_markdown(build_view(plan)),
    "html": lambda plan: render_plan_html(build_view(plan)),
    "json": render_plan_json,
}


def drawings(resources: int, changes: int) -> Iterator[Measure]:
    """Measure each form of a plan of ``resources``, of which ``changes`` are created."""
    plan = Plan(
        workspace="prod",
        organization="org_bench",
        changes=tuple(_change(number) for number in range(changes)),
        resources=resources,
    )
    for form, draw in FORMS.items():
        begun, used = time.perf_counter(), time.process_time()
        drawn = draw(plan)
        wall, cpu = time.perf_counter() - begun, time.process_time() - used
        yield Measure(
            name=f"draw as {form}: {changes:,} of {resources:,} change",
            runs=1,
            wall=wall,
            cpu=cpu,
            peak=0,
            spread=0,
            note=f"{len(drawn.encode()):,} bytes",
        )


def _change(number: int) -> Change:
    address = Address("connection", f"prod-{number:05}")
    fields = {("config", "host"): f"db{number}.example.com", ("config", "port"): 5432}
    desired = DesiredResource(
        address=address,
        type="postgres",
        fields=fields,
        secrets={},
        ciphertext_digests={},
        digest=f"{number:064}",
        origin=SourceLocation(f"manifests/prod/connections/{address.name}.yaml", 1, 1),
    )
    changed = tuple(FieldChange(path, MISSING, MISSING, leaf) for path, leaf in fields.items())
    return Change(
        action=Action.CREATE, address=address, desired=desired, fields=changed, reason="new manifest"
    )
