"""The connection test: a login at the target with the sent settings and a stored credential."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from planasonix_emulator.deployment import Deployment
from planasonix_emulator.http.messages import ApiError, ApiRequest, ApiResponse, invalid_request
from planasonix_emulator.http.response_formats import select_format
from planasonix_emulator.routes.request_validation import require_fields, validate_config
from planasonix_emulator.storage.records import CREDENTIALS, StoredRecord, format_config
from planasonix_emulator.storage.secrets import merge_secrets, split_secrets
from planasonix_emulator.targets.connectors import is_known_type
from planasonix_emulator.targets.postgres import is_loopback, log_in_to_postgres
from planasonix_emulator.targets.targets import (
    OUTCOME_MESSAGES,
    LoginAttempt,
    LoginResult,
    SimulatedTarget,
    simulate_login,
)

_LOGIN_KEYS: Mapping[str, tuple[tuple[str, ...], ...]] = {
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
"""The sets of keys of each type of credential; a login needs all keys of one set."""


async def run_connection_test(deployment: Deployment, request: ApiRequest) -> ApiResponse:
    """Test a connection; the status is 200 for each result unless the settings select another."""
    settings, secret_log = deployment.settings, deployment.secret_log
    response_format = select_format(settings)
    body = response_format.parse_test(request.json_object())
    require_fields(body, "type", "config")
    kind = body["type"]
    if not isinstance(kind, str) or not (is_known_type(kind) or settings.accept_unknown_type):
        raise invalid_request(("type", "unknown"))
    plain, secret = split_secrets("", validate_config(body["config"]))
    secret_log.record_received(secret)
    credential = _find_credential(deployment, request, body.get("credentialId"))
    if credential is not None:
        stored = deployment.decrypt_secrets(credential)
        secret_log.record_pairing(stored, credential.id, "test", format_config(plain))
    attempt = _build_attempt(deployment, kind, merge_secrets(plain, secret), credential)
    result = _refuse_credential(deployment, credential) or await _log_in(deployment, attempt)
    if not result.ok and settings.test_failure_status != HTTPStatus.OK:
        raise ApiError(settings.test_failure_status, "connection_test_failed", result.message)
    return ApiResponse(
        HTTPStatus.OK, response_format.format_test_result(_serialize_result(deployment, result))
    )


def _find_credential(deployment: Deployment, request: ApiRequest, identifier: Any) -> StoredRecord | None:
    if identifier is None:
        return None
    if not isinstance(identifier, str):
        raise invalid_request(("credentialId", "not a string"))
    record = deployment.store.find_record(CREDENTIALS, request.organization, identifier)
    if record is None:
        raise invalid_request(("credentialId", "unknown"))
    return record


def _build_attempt(
    deployment: Deployment, kind: str, config: Mapping[str, Any], credential: StoredRecord | None
) -> LoginAttempt:
    plain, secret = split_secrets("", config)
    if credential is None:
        return LoginAttempt(type=kind, config=plain, secrets=secret)
    return LoginAttempt(
        type=kind,
        config={**credential.plain_config(), **plain},
        secrets={**deployment.decrypt_secrets(credential), **secret},
        credential_type=credential.type,
    )


def _refuse_credential(deployment: Deployment, credential: StoredRecord | None) -> LoginResult | None:
    if credential is None:
        return None
    if not credential.is_active:
        return LoginResult(False, "login failed: the credential is deleted")
    has_consent = "refresh_token" in deployment.decrypt_secrets(credential)
    if credential.type == "oauth" and deployment.settings.oauth_needs_consent and not has_consent:
        return LoginResult(False, OUTCOME_MESSAGES["consent"])
    return None


async def _log_in(deployment: Deployment, attempt: LoginAttempt) -> LoginResult:
    target = deployment.targets.find_target(attempt)
    if _needs_real_login(deployment, attempt, target):
        return await asyncio.to_thread(
            log_in_to_postgres, attempt, deployment.settings.postgres_timeout_seconds
        )
    if target is not None:
        return simulate_login(target, attempt)
    unknown = deployment.settings.unknown_target
    if unknown == "network":
        return LoginResult(False, OUTCOME_MESSAGES["network"])
    succeeds = unknown == "ok" and _is_complete(attempt)
    return LoginResult(succeeds, OUTCOME_MESSAGES["ok" if succeeds else "auth"])


def _needs_real_login(deployment: Deployment, attempt: LoginAttempt, target: SimulatedTarget | None) -> bool:
    if target is not None:
        return target.real
    hosts = deployment.settings.real_postgres
    if attempt.type != "postgres" or hosts == "never":
        return False
    return hosts == "always" or is_loopback(attempt.config)


def _is_complete(attempt: LoginAttempt) -> bool:
    present = {
        name for name, value in {**attempt.config, **attempt.secrets}.items() if value not in (None, "")
    }
    if attempt.credential_type == "api_key":
        return any(value not in (None, "", {}) for value in attempt.secrets.values())
    key_sets = _LOGIN_KEYS.get(attempt.credential_type)
    return key_sets is None or any(present.issuperset(keys) for keys in key_sets)


def _serialize_result(deployment: Deployment, result: LoginResult) -> dict[str, Any]:
    tree = {
        "ok": result.ok,
        "latencyMs": result.latency_ms,
        "serverVersion": result.server_version or None,
        "message": result.message,
    }
    if deployment.settings.test_reply == "verdictless":
        del tree["ok"]
    return tree
