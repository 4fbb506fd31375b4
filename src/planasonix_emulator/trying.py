"""Connection tests: what stored credential and settings together are worth at the target."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from planasonix_emulator.dialects import speaking
from planasonix_emulator.drafts import checked_config, required
from planasonix_emulator.gallery import known_type
from planasonix_emulator.messages import Problem, Reply, Request, invalid
from planasonix_emulator.postgres import log_in, on_this_machine
from planasonix_emulator.records import CREDENTIALS, Record, written
from planasonix_emulator.secrecy import joined, split
from planasonix_emulator.targets import MESSAGES, Attempt, Target, Verdict, judge
from planasonix_emulator.world import World

_NEEDED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "aws": (("secret_access_key",), ("role_arn",)),
    "azure": (
        ("client_secret",),
        ("certificate",),
        ("account_key",),
        ("storage_key",),
        ("connection_string",),
        ("sas_token",),
        ("managed_identity_client_id",),
    ),
    "gcp": (("service_account_json",), ("workload_identity_config",)),
    "database": (("password",), ("private_key",), ("ssh_private_key",)),
    "oauth": (("client_secret",),),
    "password": (("password",),),
}
"""By type of credential: the sets of keys of which one must be whole for a login to have a chance."""


async def test(world: World, request: Request) -> Reply:
    """Answer POST /api/connections/test: 200 whatever the verdict, unless a switch says otherwise."""
    dialect = speaking(world.settings)
    draft = dialect.test_draft(request.tree())
    required(draft, "type", "config")
    if not isinstance(draft["type"], str) or not (
        known_type(draft["type"]) or world.settings.accept_unknown_type
    ):
        raise invalid(("type", "unknown"))
    plain, secret = split("", checked_config(draft["config"]))
    world.witness.receive(secret)
    credential = _credential(world, request, draft.get("credentialId"))
    if credential is not None:
        world.witness.pair(world.secrets(credential), credential.id, "test", written(plain))
    attempt = _attempt(world, draft["type"], joined(plain, secret), credential)
    verdict = _unfit(world, credential) or await _tried(world, attempt)
    status = world.settings.test_failure_status
    if not verdict.ok and status != HTTPStatus.OK:
        raise Problem(status, "connection_test_failed", verdict.message)
    return Reply(HTTPStatus.OK, dialect.verdict(_shown(world, verdict)))


def _credential(world: World, request: Request, identifier: Any) -> Record | None:
    if identifier is None:
        return None
    if not isinstance(identifier, str):
        raise invalid(("credentialId", "not a string"))
    record = world.store.find(CREDENTIALS, request.organization, identifier)
    if record is None:
        raise invalid(("credentialId", "unknown"))
    return record


def _attempt(world: World, kind: str, config: Mapping[str, Any], credential: Record | None) -> Attempt:
    plain, secret = split("", config)
    if credential is None:
        return Attempt(type=kind, config=plain, secrets=secret)
    return Attempt(
        type=kind,
        config={**credential.plain(), **plain},
        secrets={**world.secrets(credential), **secret},
        credential_type=credential.type,
    )


def _unfit(world: World, credential: Record | None) -> Verdict | None:
    if credential is None:
        return None
    if not credential.active:
        return Verdict(False, "login failed: the credential is deleted")
    consented = "refresh_token" in world.secrets(credential)
    if credential.type == "oauth" and world.settings.oauth_needs_consent and not consented:
        return Verdict(False, MESSAGES["consent"])
    return None


async def _tried(world: World, attempt: Attempt) -> Verdict:
    target = world.targets.reached(attempt)
    if _really(world, attempt, target):
        return await asyncio.to_thread(log_in, attempt, world.settings.postgres_timeout_seconds)
    if target is not None:
        return judge(target, attempt)
    unknown = world.settings.unknown_target
    if unknown == "network":
        return Verdict(False, MESSAGES["network"])
    complete = _complete(attempt)
    return Verdict(unknown == "ok" and complete, MESSAGES["ok" if unknown == "ok" and complete else "auth"])


def _really(world: World, attempt: Attempt, target: Target | None) -> bool:
    if target is not None:
        return target.real
    where = world.settings.real_postgres
    return attempt.type == "postgres" and (
        where == "always" or (where == "loopback" and on_this_machine(attempt.config))
    )


def _complete(attempt: Attempt) -> bool:
    held = {name for name, value in {**attempt.config, **attempt.secrets}.items() if value not in (None, "")}
    if attempt.credential_type == "api_key":
        return any(value not in (None, "", {}) for value in attempt.secrets.values())
    ways = _NEEDED.get(attempt.credential_type)
    return ways is None or any(held.issuperset(way) for way in ways)


def _shown(world: World, verdict: Verdict) -> dict[str, Any]:
    tree = {
        "ok": verdict.ok,
        "latencyMs": verdict.latency_ms,
        "serverVersion": verdict.server_version or None,
        "message": verdict.message,
    }
    if world.settings.test_reply == "verdictless":
        del tree["ok"]
    return tree
