"""A real login to a real PostgreSQL, for connections of that type."""

import ipaddress
import time
from collections.abc import Mapping
from typing import Any

from planasonix_emulator.targets import MESSAGES, Attempt, Verdict

_CAUSES: tuple[tuple[str, str], ...] = (
    ("password authentication failed", "password authentication failed"),
    ("no password supplied", "password authentication failed"),
    ("is not permitted to log in", "login failed"),
    ("does not exist", "login failed: no such role or database"),
    ("certificate verify failed", MESSAGES["tls"]),
    ("does not match host name", MESSAGES["tls"]),
    ("does not support ssl", "TLS handshake failed: the server does not support TLS"),
    ("connection refused", MESSAGES["refused"]),
    ("reset by peer", MESSAGES["firewall"]),
    ("timeout", MESSAGES["network"]),
    ("could not translate host name", "host not found"),
    ("name or service not known", "host not found"),
)
"""What libpq says, and what a reply may say of it: never its own words, which name users and addresses."""


def on_this_machine(config: Mapping[str, Any]) -> bool:
    """Tell whether a connection leads to loopback, or to a socket in the file system."""
    host = str(config.get("host", "")).strip()
    if host == "localhost" or host.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def log_in(attempt: Attempt, timeout_seconds: int) -> Verdict:
    """Log in with the stored secrets, ask for the version, leave; blocks for as long as the timeout."""
    import psycopg  # noqa: PLC0415 - slow to import, and few emulators ever log in

    begun = time.monotonic()
    if not attempt.config.get("host"):
        return Verdict(False, "host not found")
    try:
        with psycopg.connect(**_parameters(attempt.config, attempt.secrets, timeout_seconds)) as session:
            session.execute("SELECT 1")
            version = session.info.parameter_status("server_version") or ""
    except (psycopg.Error, ValueError, TypeError, UnicodeError) as error:
        return Verdict(False, _cause(str(error)), _since(begun))
    return Verdict(True, MESSAGES["ok"], _since(begun), f"PostgreSQL {version}")


def _parameters(
    config: Mapping[str, Any], secrets: Mapping[str, Any], timeout_seconds: int
) -> dict[str, Any]:
    parameters = {
        "host": config.get("host"),
        "port": config.get("port"),
        "dbname": config.get("database"),
        "user": config.get("username") or config.get("user"),
        "password": secrets.get("password") or "",  # absent, it would come from the environment
        "sslmode": config.get("sslMode") or config.get("ssl_mode"),
    }
    given = {name: str(value) for name, value in parameters.items() if value is not None}
    return {
        **given,
        "connect_timeout": timeout_seconds,
        "application_name": "planasonix",
        "passfile": "/dev/null",
    }


def _cause(words: str) -> str:
    lowered = words.lower()
    return next((said for sign, said in _CAUSES if sign in lowered), "login failed")


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
