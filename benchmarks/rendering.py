"""Time and output size of each format of a plan."""

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

RENDERERS = {
    "text": lambda plan: render_plan_text(build_view(plan)),
    "Markdown": lambda plan: render_plan_markdown(build_view(plan)),
    "HTML": lambda plan: render_plan_html(build_view(plan)),
    "JSON": render_plan_json,
}


def measure_rendering(resources: int, changes: int) -> Iterator[Measure]:
    """Measure each format of a plan of ``resources`` resources, of which ``changes`` are created."""
    plan = Plan(
        workspace="prod",
        organization="org_bench",
        changes=tuple(_build_change(number) for number in range(changes)),
        resources=resources,
    )
    for name, render in RENDERERS.items():
        wall_start, cpu_start = time.perf_counter(), time.process_time()
        output = render(plan)
        wall, cpu = time.perf_counter() - wall_start, time.process_time() - cpu_start
        yield Measure(
            name=f"render as {name}, {changes:,} of {resources:,} to create",
            runs=1,
            wall=wall,
            cpu=cpu,
            peak=0,
            spread=0,
            note=f"{len(output.encode()):,} bytes",
        )


def _build_change(number: int) -> Change:
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
    field_changes = tuple(FieldChange(path, MISSING, MISSING, leaf) for path, leaf in fields.items())
    return Change(
        action=Action.CREATE, address=address, desired=desired, fields=field_changes, reason="new manifest"
    )
