"""Plans of every kind, for the renderers: one for each action, class, state of a secret and size."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from keyturn.model.address import Address, SourceLocation
from keyturn.model.change import (
    MISSING,
    Action,
    Change,
    ChangeOutcome,
    Exposure,
    FieldChange,
    OutcomeStatus,
    SecretChange,
    SecretStatus,
)
from keyturn.model.diagnostic import Cause, Diagnostic, Severity
from keyturn.model.plan import Impact, Plan, PlanBase
from keyturn.model.resource import Lifecycle
from keyturn.planning.oauth_consent import find_needed_consents
from keyturn.views.plan.model import SectionKind
from sample_resources import (
    connection_address,
    credential_address,
    make_desired,
    make_live_object,
    make_state_entry,
)

DB = credential_address("prod-db")
PG = connection_address("prod-pg")
OLD = credential_address("prod-old")

IMPACT = Impact(
    connections=2,
    pipelines=23,
    syncs=0,
    scheduled=4,
    next_run="2026-03-01T06:00:00Z",
    managed_connections=("connection/prod-pg",),
    unmanaged_connections=("connection/made-in-the-ui",),
    downstream=("pipeline/nightly-load", "pipeline/hourly-sync"),
)


def make_plan(*changes: Change, **more: Any) -> Plan:
    """Return a plan of these changes for workspace ``prod``."""
    values = {
        "workspace": "prod",
        "organization": "org_01acme",
        "resources": 12,
        "requests": 3 * len(changes),
    }
    ordered = tuple(sorted(changes, key=lambda change: change.address))
    return Plan(changes=ordered, **{**values, **more})


def make_change(action: Action, address: Address = DB, *, new: bool = False, **more: Any) -> Change:
    """Return a change of an object that exists, unless it is ``new``."""
    desired = make_desired(address, {"host": "db.example.com", "port": 5432}, secrets={"password": "p"})
    desired = replace(desired, digest="d" * 64, ciphertext_digests={("password",): "c" * 64})
    known = make_state_entry(desired, f"id_{address.name}", rotated_at="2025-11-02T10:00:00Z")
    sides = (
        {"desired": desired} if new else {"desired": desired, "entry": known, "live": make_live_object(known)}
    )
    if action in {Action.RETIRE, Action.FORGET}:
        del sides["desired"]
    return Change(action=action, address=address, **{"reason": "the manifest changed", **sides, **more})


def make_field_change(path: str, applied: Any, live: Any, wanted: Any) -> FieldChange:
    """Return a plain field that changes; ``path`` is dotted."""
    return FieldChange(tuple(path.split(".")), applied, live, wanted)


def make_secret_change(state: str, reason: str, field: str = "password") -> SecretChange:
    """Return a secret field in a state."""
    return SecretChange((field,), SecretStatus(state), reason)


def make_finding(code: str, severity: Severity, message: str, **more: Any) -> Diagnostic:
    """Return a finding at a place in the manifest of ``prod-db``."""
    values = {"origin": SourceLocation("manifests/prod/credentials/prod-db.yaml", 4, 3), "hint": "", **more}
    return Diagnostic(code=code, severity=severity, message=message, **values)


NEW_HOST = ("config", "host")
MOVE = make_field_change("config.host", "db.example.com", "db.example.com", "db.example.net")
UNAPPROVED = make_finding(
    "KT451",
    Severity.ERROR,
    "the secret of credential/prod-db would be sent to a new destination: config.host of credential/prod-db",
    hint="set a new secret in the same change; to allow this, pass --allow-destination-change prod-db",
    address=DB,
    cause=Cause.NEW_DESTINATION,
)

CREATE = make_change(
    Action.CREATE,
    new=True,
    fields=(
        make_field_change("config.host", MISSING, MISSING, "db.example.com"),
        make_field_change("config.port", MISSING, MISSING, 5432),
    ),
    secrets=(make_secret_change("set", "new"),),
    reason="new manifest",
)
CREATE_USER = make_change(
    Action.CREATE,
    PG,
    new=True,
    fields=(
        make_field_change("credential", MISSING, MISSING, DB),
        make_field_change("config.ssl", MISSING, MISSING, True),
    ),
    depends_on=(DB,),
    reason="new manifest",
)
UPDATE = make_change(
    Action.UPDATE,
    fields=(
        make_field_change("config.database", "sales", "sales", "sales eu"),
        make_field_change("config.options", ["a"], ["a"], ["a", "b"]),
        make_field_change("config.port", 5432, 5433, 5432),
        make_field_change("config.motd", "one\ntwo\n", "one\ntwo\n", "one\n2\nthree\n"),
        make_field_change(
            "config.query", "select " + "a, " * 60, "select " + "a, " * 60, "select " + "a, " * 59 + "b, c"
        ),
        make_field_change("config.schema", "public", "public", MISSING),
        make_field_change("config.warehouse", MISSING, MISSING, "COMPUTE_WH"),
        make_field_change("config.api_token", "x-1", "x-1", "x-2"),
    ),
    secrets=(make_secret_change("unchanged", "same value as last applied"),),
    reason="the manifest and the live object were both edited",
)
ROTATE = make_change(
    Action.ROTATE,
    secrets=(
        make_secret_change("rotated", "differs from the last applied value"),
        make_secret_change("reused", "returns to an earlier value", "private_key"),
        make_secret_change("kept", "the manifest keeps the live value", "passphrase"),
        make_secret_change("cleared", "removed from the manifest", "token"),
        make_secret_change("unknown", "not decrypted", "ssh_key"),
        make_secret_change("set", "no record of a previous value", "sas"),
    ),
    reason="a secret changed in the manifest",
)
RETIRE = make_change(Action.RETIRE, OLD, depends_on=(PG,), reason="manifest deleted")
SUSPECT = make_change(
    Action.NO_OP,
    secrets=(
        make_secret_change(
            "suspect", "the live object was written outside keyturn, and no visible field changed"
        ),
    ),
    reason="a secret may differ from the manifest",
)


def _strategy(word: str) -> Change:
    desired = replace(ROTATE.desired, lifecycle=Lifecycle(strategy=word, grace_days=7))
    return replace(ROTATE, desired=desired)


def _exposing() -> Plan:
    own = replace(
        make_change(
            Action.UPDATE,
            fields=(MOVE,),
            secrets=(make_secret_change("unchanged", "same value as last applied"),),
        ),
        exposures=(Exposure(DB, DB, NEW_HOST, "db.example.com", "db.example.net"),),
    )
    through = replace(
        make_change(Action.UPDATE, PG, fields=(MOVE,)),
        exposures=(Exposure(OLD, PG, NEW_HOST, "db.example.com", "db.example.net"),),
    )
    return make_plan(own, through, diagnostics=(UNAPPROVED,), impact={DB: IMPACT})


def _replacing() -> Change:
    live = replace(RETIRE.live, address=DB, type="password")
    return replace(
        make_change(Action.REPLACE),
        live=live,
        reason="the type changed, and an object cannot change its type",
    )


def _restoring() -> Change:
    tombstone = replace(
        CREATE.desired and make_change(Action.UPDATE).entry, retired_at="2026-01-05T09:00:00Z"
    )
    return replace(make_change(Action.RESTORE), entry=tombstone, reason="it was retired")


def _consenting() -> Plan:
    oauth = replace(make_change(Action.CREATE, new=True).desired, type="oauth")
    return _with_consents(make_plan(replace(CREATE, desired=oauth)))


def _with_consents(made: Plan) -> Plan:
    # As planning does it.
    return replace(made, diagnostics=(*made.diagnostics, *find_needed_consents(made.changes)))


ACCESS = make_finding(
    "KT208", Severity.WARNING, "age1new… can decrypt manifests/prod from now on", hint="who is it?"
)
FINDINGS = (
    make_finding(
        "KT454", Severity.ERROR, "credential/prod-old is protected, but its manifest was deleted", address=OLD
    ),
    make_finding("KT320", Severity.WARNING, "the secret is 120 days old; `max_age` is 90d", hint="rotate it"),
    make_finding("KT313", Severity.NOTE, "the name does not say which system it is for"),
)
HOSTILE = (
    "\x1b]8;;http://evil\x07name\x1b[2J\r::add-mask::x\n::error::y ##[group]z ##vso[task]\u202eevil\u2066"
    "</summary><script>alert(1)</script> <!-- @team #1 [a](b) ![c](d) ```\n~~~ `x` | $y$ :tada: &amp; www.e"
)


def _hostile() -> Plan:
    address = Address("credential", HOSTILE)
    base = make_change(Action.ROTATE, address, reason=HOSTILE)
    row = FieldChange(("config", HOSTILE), HOSTILE + "1", HOSTILE + "2", HOSTILE)
    exposing = replace(
        base,
        fields=(row,),
        secrets=(SecretChange((HOSTILE,), SecretStatus.ROTATED, HOSTILE),),
        exposures=(Exposure(address, address, (HOSTILE,), HOSTILE, "b"),),
        renamed_from=HOSTILE,
    )
    impact = replace(
        IMPACT,
        next_run=HOSTILE,
        managed_connections=(HOSTILE,),
        unmanaged_connections=(HOSTILE,),
        downstream=(HOSTILE,),
    )
    bad = make_finding(
        "KT454", Severity.ERROR, HOSTILE, hint=HOSTILE, origin=SourceLocation(HOSTILE, 1, 1), address=address
    )
    return make_plan(
        exposing,
        workspace=HOSTILE,
        organization=HOSTILE,
        diagnostics=(bad,),
        access_changes=(bad,),
        impact={address: impact},
    )


def _everything() -> Plan:
    parts = [
        replace(part, address=Address(part.address.kind, f"{part.address.name}-{number}"))
        for number, part in enumerate(
            (CREATE, CREATE_USER, UPDATE, ROTATE, RETIRE, SUSPECT, _replacing(), _restoring(), RENAME)
        )
    ]
    exposing = _exposing()
    return make_plan(
        *parts,
        *exposing.changes,
        impact={**{part.address: IMPACT for part in parts}, **exposing.impact},
        diagnostics=(*FINDINGS, UNAPPROVED),
        access_changes=(ACCESS,),
    )


RENAME = make_change(
    Action.RENAME, renamed_from="prod-database", reason="the manifest has a new name", fields=()
)
REPOINT = make_change(
    Action.UPDATE,
    PG,
    fields=(make_field_change("credential", DB, DB, DB),),
    reason="a referenced object gets a new ID",
    depends_on=(DB,),
)

CASES: Mapping[str, Plan] = {
    "empty": make_plan(),
    "empty-offline": make_plan(offline=True),
    "offline-base": make_plan(
        offline=True,
        base=PlanBase(
            commit="51e07d3" + "0" * 33,
            revision="origin/main",
            reason="merge_base",
            variable="GITHUB_BASE_REF",
            notes=("origin/main may be stale: it was fetched 9 days before the newest commit (`git fetch`)",),
        ),
    ),
    "doubt": make_plan(
        SUSPECT,
        diagnostics=(
            make_finding("KT464", Severity.WARNING, "prod-db was written outside keyturn", address=DB),
        ),
    ),
    "create": make_plan(CREATE, CREATE_USER),
    "update": make_plan(UPDATE, impact={DB: IMPACT}),
    "rotate-verify": make_plan(ROTATE, impact={DB: IMPACT}),
    "rotate-replace": make_plan(_strategy("replace"), impact={DB: IMPACT}),
    "rotate-in-place": make_plan(_strategy("in_place")),
    "rename": make_plan(RENAME, impact={DB: replace(IMPACT, connections=1, pipelines=None, syncs=None)}),
    "restore": make_plan(_restoring(), impact={DB: Impact(connections=0, pipelines=0, syncs=0, scheduled=0)}),
    "retire": make_plan(RETIRE, impact={OLD: IMPACT}, diagnostics=FINDINGS[:1]),
    "retire-unknown": make_plan(RETIRE),
    "replace": make_plan(_replacing(), REPOINT, impact={DB: IMPACT}),
    "adopt": make_plan(
        make_change(Action.ADOPT, reason="an object with this name exists, but is not in the state")
    ),
    "forget": make_plan(make_change(Action.FORGET, reason="manifest and object deleted")),
    "exposure": _exposing(),
    "access": make_plan(access_changes=(ACCESS,)),
    "consent": _consenting(),
    "findings": make_plan(diagnostics=FINDINGS, offline=True),
    "hostile": _hostile(),
    "everything": _everything(),
    "one-of-ten-thousand": make_plan(UPDATE, resources=10_000, impact={DB: IMPACT}),
}
"""Plans by the name of their golden files."""


def make_large_plan(size: int) -> Plan:
    """Return a plan that creates ``size`` resources beside a few of every other class."""
    base = make_change(Action.CREATE, PG, new=True, fields=CREATE.fields)
    created = (replace(base, address=connection_address(f"prod-{number:05}")) for number in range(size))
    few = CASES["everything"]
    return replace(few, changes=(*few.changes, *created), resources=size)


def make_section_plan(part: SectionKind, count: int) -> Plan:
    """Return a plan whose entries are ``count`` of one class, beside what cannot be without it."""
    names = [f"prod-{number:04}" for number in range(count)]
    if part is SectionKind.ACCESS:
        return make_plan(
            access_changes=tuple(replace(ACCESS, message=f"age1{name} can decrypt this") for name in names)
        )
    if part is SectionKind.DIAGNOSTIC:
        return make_plan(diagnostics=tuple(replace(FINDINGS[1], message=f"{name} is old") for name in names))
    base, impact = _SAMPLES[part], {}
    changes = []
    for name in names:
        address = Address(base.address.kind, name)
        made = replace(base, address=address)
        if part is SectionKind.EXPOSURE:
            moved = Exposure(address, address, NEW_HOST, "db.example.com", "db.example.net")
            made = replace(made, exposures=(moved,))
        impact[address] = IMPACT
        changes.append(made)
    return _with_consents(make_plan(*changes, impact=impact, resources=count))


_SAMPLES = {
    SectionKind.EXPOSURE: make_change(
        Action.UPDATE, fields=(MOVE,), secrets=(make_secret_change("unchanged", "as last applied"),)
    ),
    SectionKind.RETIRE: RETIRE,
    SectionKind.REPLACE: _replacing(),
    SectionKind.ROTATE: ROTATE,
    SectionKind.RESTORE: _restoring(),
    SectionKind.RENAME: RENAME,
    SectionKind.CREATE: CREATE,
    SectionKind.UPDATE: UPDATE,
    SectionKind.ADOPT: make_change(
        Action.ADOPT, reason="an object with this name exists, but is not in the state"
    ),
    SectionKind.FORGET: make_change(Action.FORGET, reason="manifest and object deleted"),
    SectionKind.UNCERTAIN: SUSPECT,
    SectionKind.MANUAL: _consenting().changes[0],
}


OUTCOMES = (
    ChangeOutcome(
        address=DB,
        action="rotate",
        outcome_status=OutcomeStatus.DONE,
        warnings=("the old probe was left behind",),
    ),
    ChangeOutcome(
        address=OLD,
        action="retire",
        outcome_status=OutcomeStatus.FAILED,
        message="the service said 503",
        hint="run it again",
    ),
    ChangeOutcome(address=PG, action="update", outcome_status=OutcomeStatus.BLOCKED, waits_for=(OLD,)),
    ChangeOutcome(
        address=connection_address("prod-x"),
        action="create",
        outcome_status=OutcomeStatus.UNKNOWN,
        message="no answer came",
    ),
    ChangeOutcome(
        address=connection_address("prod-y"),
        action="update",
        outcome_status=OutcomeStatus.STALE,
        message="edited by somebody",
    ),
)


def hostile_texts() -> st.SearchStrategy[str]:
    """Return text as an attacker would write it: markup, commands, escapes, and anything else."""
    markup = [
        "`",
        "```",
        "<b>",
        "</details>",
        "<!--",
        "-->",
        "&lt;",
        "[a](http://b)",
        "![a](b)",
        "*",
        "_",
        "|",
        "~~",
    ]
    magic = ["@team", "#12", "$", "http://evil", "www.evil.org", ":tada:", "\\", "- ", "1. ", "# ", "> ", " "]
    control = [
        "::error::",
        "##[group]",
        "##vso[",
        "\n",
        "\r",
        "\t",
        "\x1b[31m",
        "\x9b",
        "\u202e",
        "\u200b",
        "\ud800",
    ]
    anything = st.one_of(st.sampled_from([*markup, *magic, *control]), st.text(max_size=5), st.characters())
    return st.lists(anything, max_size=12).map("".join)


def make_hostile_plan(text: str) -> Plan:
    """Return a plan in which ``text`` stands wherever data may stand."""
    name = text or "x"
    address = Address("credential", name)
    made = make_change(Action.ROTATE, address, reason=text, renamed_from=text, depends_on=(address,))
    made = replace(
        made,
        desired=replace(made.desired, type=text, origin=SourceLocation(name, 2, 2)),
        fields=(
            FieldChange((name, "config"), text, [text], {text: text}),
            FieldChange((name,), 1, text, text + "1"),
        ),
        secrets=(SecretChange((name,), SecretStatus.ROTATED, text),),
        exposures=(Exposure(address, address, (name,), text, MISSING),),
    )
    said = make_finding(
        "KT454", Severity.ERROR, text, hint=text, origin=SourceLocation(name, 1, 1), address=address
    )
    reach = replace(
        IMPACT, next_run=text, managed_connections=(name,), unmanaged_connections=(name,), downstream=(name,)
    )
    return make_plan(
        made,
        replace(made, action=Action.RETIRE, address=Address("connection", name)),
        workspace=text,
        organization=text,
        diagnostics=(said,),
        access_changes=(said,),
        impact={address: reach},
        base=PlanBase(commit=text, revision=text, reason="named", variable=text, notes=(text,)),
    )
