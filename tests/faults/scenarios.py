"""Scenarios: a small workspace with one planned action each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from keyturn.planning.inputs import Approvals
from planasonix_emulator.server import Emulator
from workspace import Repository

Secrets = Callable[[str], str]
Write = Callable[[Repository, Secrets], None]

HOST = {"host": "db.example.com", "port": 5432}
CONFIG = {"engine": "postgresql", **HOST, "username": "svc"}


def nothing(*_: Any) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """An applied state (``before``), edits in the UI (``ui_edits``), and the manifests to apply (``after``).

    ``gone`` is applied between ``before`` and ``ui_edits``, to retire what ``after`` restores. The target
    rejects the secrets in ``refused``; ``accepts`` has pairs of host and accepted secret.
    """

    name: str
    before: Write = nothing
    gone: Write = nothing
    ui_edits: Callable[[Emulator], None] = nothing
    after: Write = nothing
    approvals: Approvals = field(default_factory=Approvals)
    refused: tuple[str, ...] = ()
    accepts: tuple[tuple[str, str], ...] = ()


def credential(repo: Repository, name: str, secret: str, **more: Any) -> None:
    """Write a database credential."""
    config = {**CONFIG, **more.pop("config", {})}
    repo.credential(name, {"password": secret}, config, **more)


def connection(repo: Repository, name: str, uses: str, **more: Any) -> None:
    """Write a PostgreSQL connection."""
    repo.connection(name, uses, {**HOST, "database": "app", **more.pop("config", {})}, **more)


def pair(stem: str, secret: str = "", **more: Any) -> Write:
    """Return a function that writes a credential and a connection that uses it."""

    def write(repo: Repository, secrets: Secrets) -> None:
        credential(repo, f"c-{stem}", secrets(secret or stem), config={"username": stem}, **more)
        connection(repo, f"n-{stem}", f"c-{stem}", config={"database": stem})

    return write


def rotation(strategy: str) -> Scenario:
    """Return a rotation with one tested connection."""
    stem, how = strategy.replace("_", "-"), {"strategy": strategy, "grace": "7d"}
    return Scenario(
        name=f"rotate {strategy}",
        before=pair(stem, f"{stem} old", rotation=how),
        after=pair(stem, f"{stem} new", rotation=how),
    )


def _updated(repo: Repository, secrets: Secrets) -> None:
    credential(repo, "c-up", secrets("up"), config={"username": "another"})
    connection(repo, "n-up", "c-up", config={"database": "another"})


def _renamed(repo: Repository, secrets: Secrets) -> None:
    repo.remove("c-ren", "n-ren")
    credential(repo, "c-newname", secrets("ren"), config={"username": "ren"}, moved_from="c-ren")
    connection(repo, "n-newname", "c-newname", config={"database": "ren"}, moved_from="n-ren")


def _without(*names: str) -> Write:
    return lambda repo, _: repo.remove(*names)


def _retyped(repo: Repository, _: Secrets) -> None:
    role = {"role_arn": "arn:aws:iam::123456789012:role/reader", "region": "eu-central-1"}
    repo.credential("c-type", {}, role, type="aws")


RETIRE_ALL = Approvals(retire=20, empty=True)


def _foreign(service: Emulator) -> None:
    service.seed_objects(credentials=[{"name": "c-adopt", "type": "database", "config": CONFIG}])


def _adopting(repo: Repository, secrets: Secrets) -> None:
    credential(repo, "c-adopt", secrets("adopt"))


def _purged(service: Emulator) -> None:
    service.perform_ui_action("trash", collection="connections", name="n-forget")


def _with_sets(client: str) -> Write:
    def write(repo: Repository, secrets: Secrets) -> None:
        oauth = {"client_id": client, "scopes": ["web", "api", "refresh_token"]}
        repo.credential("c-set", {"client_secret": secrets("set")}, oauth, type="oauth")
        repo.credential("c-topics", {"password": secrets("topics")}, {"username": "svc"}, type="password")
        topics = {
            "bootstrapServers": "db.example.com:9092",
            "topics": ["b", "c", "a"],
            "consumerGroup": client,
        }
        repo.connection("n-topics", "c-topics", topics, type="kafka")

    return write


SETS = Scenario(name="sets", before=_with_sets("one"), after=_with_sets("another"))
"""Lists whose order has no meaning."""

CREATE = Scenario(name="create", after=pair("new"))
DATED = Scenario(
    name="retire a name with a date",
    before=pair("ticket-until-2099-01-01"),
    after=_without("c-ticket-until-2099-01-01", "n-ticket-until-2099-01-01"),
    approvals=RETIRE_ALL,
)
"""A resource of a user may have any name."""
VERIFY, REPLACED, IN_PLACE = rotation("verify"), rotation("replace"), rotation("in_place")
SCENARIOS: Mapping[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        CREATE,
        Scenario(name="update", before=pair("up"), after=_updated),
        VERIFY,
        REPLACED,
        IN_PLACE,
        Scenario(name="rename", before=pair("ren"), after=_renamed),
        Scenario(
            name="restore",
            before=pair("back", "back old"),
            gone=_without("c-back", "n-back"),
            after=pair("back"),
        ),
        Scenario(
            name="retire", before=pair("gone"), after=_without("c-gone", "n-gone"), approvals=RETIRE_ALL
        ),
        Scenario(name="replace", before=pair("type"), after=_retyped),
        Scenario(
            name="adopt",
            ui_edits=_foreign,
            after=_adopting,
            approvals=Approvals(adopt=frozenset({"c-adopt"})),
        ),
        Scenario(name="forget", before=pair("forget"), ui_edits=_purged, after=_without("n-forget")),
    )
}
"""One scenario for each action."""

REFUSALS: Mapping[str, Scenario] = {
    f"refused {scenario.name}": Scenario(
        name=f"refused {scenario.name}",
        before=scenario.before,
        after=scenario.after,
        refused=(f"{scenario.name.partition(' ')[2].replace('_', '-')} new",),
    )
    for scenario in (VERIFY, REPLACED, IN_PLACE)
}
"""Rotations to a secret that the target rejects."""


ELSEWHERE = "moved.example.com"


def _moved(stem: str, secret: str, how: dict[str, str]) -> Write:
    def write(repo: Repository, secrets: Secrets) -> None:
        there = {"host": ELSEWHERE}
        credential(repo, f"c-{stem}", secrets(secret), config={"username": stem, **there}, rotation=how)
        connection(repo, f"n-{stem}", f"c-{stem}", config={"database": stem, **there})

    return write


def move(strategy: str, *, refused: bool = False) -> Scenario:
    """Return a rotation whose new secret works only at the new destination."""
    stem, how = f"move-{strategy}".replace("_", "-"), {"strategy": strategy, "grace": "7d"}
    old, new = f"{stem} old", f"{stem} new"
    return Scenario(
        name=f"{'refused ' * refused}move {strategy}",
        before=pair(stem, old, rotation=how),
        after=_moved(stem, new, how),
        approvals=Approvals(destinations=frozenset({f"c-{stem}"})),
        refused=(new,) * refused,
        accepts=((HOST["host"], old), (ELSEWHERE, "" if refused else new)),
    )


def _with_another_user(repo: Repository, secrets: Secrets) -> None:
    pair("crowd", "crowd old", rotation={"strategy": "replace"})(repo, secrets)
    connection(repo, "n-crowd-2", "c-crowd", config={"database": "crowd-2"})
    connection(repo, "n-crowd-3", "c-crowd", config={"database": "crowd-3"})


def _with_less_users(repo: Repository, secrets: Secrets) -> None:
    pair("crowd", "crowd new", rotation={"strategy": "replace"})(repo, secrets)
    connection(repo, "n-crowd-2", "c-crowd", config={"database": "another"})
    repo.remove("n-crowd-3")


def crowd(strategy: str) -> Scenario:
    """Return a rotation of a credential with three connections."""
    stem = f"crowd-{strategy}".replace("_", "-")

    def write(age: str) -> Write:
        def at_once(repo: Repository, secrets: Secrets) -> None:
            pair(stem, f"crowd {strategy} {age}", rotation={"strategy": strategy})(repo, secrets)
            for number in (2, 3):
                connection(repo, f"n-{stem}-{number}", f"c-{stem}", config={"database": f"{stem}-{number}"})

        return at_once

    return Scenario(name=f"rotate {strategy} with three users", before=write("old"), after=write("new"))


CROWDS: Mapping[str, Scenario] = {how: crowd(how) for how in ("verify", "replace", "in_place")}
"""Rotations of a credential with three connections, by each strategy."""


def _apart(repo: Repository, secrets: Secrets) -> None:
    credential(repo, "c-apart", secrets("apart"), config={"username": "apart"})
    for number in (1, 2):
        config = {"database": f"apart-{number}", "sslMode": "require"}
        connection(repo, f"n-apart-{number}", "c-apart", config=config)


MOVES: Mapping[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario(name="create with other destinations", after=_apart),
        *(move(how, refused=no) for how in ("verify", "replace", "in_place") for no in (False, True)),
        Scenario(
            name="replace with other users",
            before=_with_another_user,
            after=_with_less_users,
            approvals=Approvals(retire=20),
        ),
    )
}
"""Changes of secrets and destinations in one plan."""


def _each(step: str) -> Write:
    def write(repo: Repository, secrets: Secrets) -> None:
        for scenario in SCENARIOS.values():
            getattr(scenario, step)(repo, secrets)

    return write


def _all_at_once(service: Emulator) -> None:
    for scenario in SCENARIOS.values():
        scenario.ui_edits(service)


EVERYTHING = Scenario(
    name="everything",
    before=_each("before"),
    gone=_each("gone"),
    ui_edits=_all_at_once,
    after=_each("after"),
    approvals=Approvals(adopt=frozenset({"c-adopt"}), retire=20, rotate=20),
)
"""All actions in one plan."""


def _ten(repo: Repository, secrets: Secrets) -> None:
    for number in range(5):
        pair(f"ten-{number}")(repo, secrets)


TEN = Scenario(name="ten resources", after=_ten)
"""Ten resources to create."""
