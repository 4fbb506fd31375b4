"""Logins to real PostgreSQL servers."""

import ipaddress
import time
from collections.abc import Mapping
from typing import Any

from planasonix_emulator.targets.targets import OUTCOME_MESSAGES, LoginAttempt, LoginResult

_FAILURE_MESSAGES: tuple[tuple[str, str], ...] = (
    ("password authentication failed", "password authentication failed"),
    ("no password supplied", "password authentication failed"),
    ("is not permitted to log in", "login failed"),
    ("does not exist", "login failed: no such role or database"),
    ("certificate verify failed", OUTCOME_MESSAGES["tls"]),
    ("does not match host name", OUTCOME_MESSAGES["tls"]),
    ("does not support ssl", "TLS handshake failed: the server does not support TLS"),
    ("connection refused", OUTCOME_MESSAGES["refused"]),
    ("reset by peer", OUTCOME_MESSAGES["firewall"]),
    ("timeout", OUTCOME_MESSAGES["network"]),
    ("could not translate host name", "host not found"),
    ("name or service not known", "host not found"),
)
"""Parts of libpq messages and the message of the response; libpq messages contain users and addresses."""


def is_loopback(config: Mapping[str, Any]) -> bool:
    """Return whether a connection leads to loopback or to a Unix socket."""
    host = str(config.get("host", "")).strip()
    if host == "localhost" or host.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def log_in_to_postgres(attempt: LoginAttempt, timeout_seconds: int) -> LoginResult:
    """Log in, run a query and disconnect; blocks for up to the timeout."""
    import psycopg  # noqa: PLC0415  # slow to import and rarely used

    start = time.monotonic()
    if not attempt.config.get("host"):
        return LoginResult(False, "host not found")
    try:
        with psycopg.connect(
            **_build_parameters(attempt.config, attempt.secrets, timeout_seconds)
        ) as session:
            session.execute("SELECT 1")
            version = session.info.parameter_status("server_version") or ""
    except (psycopg.Error, ValueError, TypeError, UnicodeError) as error:
        return LoginResult(False, _translate_failure(str(error)), _milliseconds_since(start))
    return LoginResult(True, OUTCOME_MESSAGES["ok"], _milliseconds_since(start), f"PostgreSQL {version}")


def _build_parameters(
    config: Mapping[str, Any], secrets: Mapping[str, Any], timeout_seconds: int
) -> dict[str, Any]:
    parameters = {
        "host": config.get("host"),
        "port": config.get("port"),
        "dbname": config.get("database"),
        "user": config.get("username") or config.get("user"),
        "password": secrets.get("password") or "",  # if missing, libpq would read it from the environment
        "sslmode": config.get("sslMode") or config.get("ssl_mode"),
    }
    given = {name: str(value) for name, value in parameters.items() if value is not None}
    return {
        **given,
        "connect_timeout": timeout_seconds,
        "application_name": "planasonix",
        "passfile": "/dev/null",
    }


def _translate_failure(message: str) -> str:
    lowered = message.lower()
    return next((text for part, text in _FAILURE_MESSAGES if part in lowered), "login failed")


def _milliseconds_since(start: float) -> int:
    return round((time.monotonic() - start) * 1000)
