"""The control API below /_emulator/: tests configure and inspect the emulator; responses show no secret."""

import hmac
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from planasonix_emulator.deployment import Deployment
from planasonix_emulator.http.access import KEY_SCOPES
from planasonix_emulator.http.messages import ApiError, ApiResponse
from planasonix_emulator.routes.platform import PIPELINES, SCHEDULES, SYNCS
from planasonix_emulator.settings import SECOND, SettingsError, change_settings, settings_to_json
from planasonix_emulator.storage.records import CONNECTIONS, CREDENTIALS, StoredRecord
from planasonix_emulator.storage.secret_log import digest_leaves
from planasonix_emulator.targets.targets import parse_targets
from planasonix_emulator.testing.control_client import CONTROL_PREFIX, CONTROL_TOKEN_HEADER
from planasonix_emulator.testing.faults import FaultRegistry, parse_faults
from planasonix_emulator.testing.request_log import RequestLog
from planasonix_emulator.testing.ui_actions import create_objects, perform_action

_DOCUMENT_COLLECTIONS = {"pipelines": PIPELINES, "schedules": SCHEDULES, "syncs": SYNCS}


class ControlApi:
    """Answer the requests of the control API; without a token it is closed."""

    def __init__(
        self, deployment: Deployment, *, faults: FaultRegistry, request_log: RequestLog, token: str
    ) -> None:
        self._deployment = deployment
        self._faults = faults
        self._request_log = request_log
        self._token = token
        self._initial_settings = deployment.settings
        secret_log = deployment.secret_log
        self._operations: Mapping[tuple[str, str], Callable[[Any], Any]] = {
            ("GET", "settings"): self._read_settings,
            ("PATCH", "settings"): self._change_settings,
            ("GET", "faults"): lambda _: faults.list_faults(),
            ("PUT", "faults"): self._replace_faults,
            ("POST", "faults"): self._add_faults,
            ("PUT", "targets"): self._replace_targets,
            ("POST", "seed"): self._seed_objects,
            ("POST", "act"): self._perform_action,
            ("POST", "keys"): self._change_keys,
            ("POST", "clock"): self._set_clock,
            ("POST", "requests"): lambda tree: request_log.list_requests(int(tree.get("since", 0))),
            ("POST", "secrets"): lambda tree: secret_log.count_received(str(tree.get("salt", ""))),
            ("POST", "pairs"): lambda tree: secret_log.list_pairings(str(tree.get("salt", ""))),
            ("POST", "holds"): self._list_held_secrets,
            ("GET", "state"): self._read_state,
            ("POST", "reset"): self._reset_deployment,
        }

    def respond(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> ApiResponse:
        """Answer one request: 404 without the token, 400 with the reason for an invalid request.

        Header names are in lower case.
        """
        given = headers.get(CONTROL_TOKEN_HEADER, "").encode()
        operation = self._operations.get((method, path.removeprefix(CONTROL_PREFIX)))
        if not self._token or not hmac.compare_digest(given, self._token.encode()) or operation is None:
            return ApiResponse(HTTPStatus.NOT_FOUND, {"error": "not found"})
        try:
            return ApiResponse(HTTPStatus.OK, operation(json.loads(body) if body else {}))
        except ApiError as error:
            return ApiResponse(error.status, {"error": error.message})
        except SettingsError as error:
            return ApiResponse(HTTPStatus.BAD_REQUEST, {"error": str(error)})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return ApiResponse(HTTPStatus.BAD_REQUEST, {"error": f"invalid request: {type(error).__name__}"})

    def _read_settings(self, tree: Any) -> dict[str, Any]:
        del tree
        return settings_to_json(self._deployment.settings)

    def _change_settings(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        self._deployment.settings = change_settings(self._deployment.settings, tree)
        return settings_to_json(self._deployment.settings)

    def _replace_faults(self, trees: Any) -> list[dict[str, Any]]:
        self._faults.replace_faults(parse_faults(trees))
        return self._faults.list_faults()

    def _add_faults(self, trees: Any) -> list[dict[str, Any]]:
        self._faults.add_faults(parse_faults(trees))
        return self._faults.list_faults()

    def _replace_targets(self, trees: Any) -> dict[str, Any]:
        targets = parse_targets(trees)
        self._deployment.targets.replace_targets(targets)
        return {"targets": len(targets)}

    def _seed_objects(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        organization = tree.get("organization") or self._default_organization()
        ids = {
            collection: create_objects(self._deployment, organization, tree.get(collection, []), collection)
            for collection in (CREDENTIALS, CONNECTIONS)
        }
        for name, collection in _DOCUMENT_COLLECTIONS.items():
            self._deployment.store.save_documents(collection, organization, tree.get(name, []))
        return ids

    def _perform_action(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        return self._serialize_record(perform_action(self._deployment, tree))

    def _change_keys(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        keys = self._deployment.keys
        if tree.get("revoked"):
            keys.revoke_key(tree["key"])
        else:
            scopes = tuple(tree.get("scopes", KEY_SCOPES))
            keys.accept_key(tree["key"], tree.get("organization") or self._default_organization(), scopes)
        return {"keys": len(keys)}

    def _set_clock(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        clock = self._deployment.clock
        if tree.get("run"):
            clock.resume()
        if "hold" in tree:
            at = tree["hold"]
            clock.hold(at if isinstance(at, (int, float)) and not isinstance(at, bool) else None)
        clock.advance(float(tree.get("advance", 0)))
        return {"now": clock.now() / SECOND, "held": clock.is_held}

    def _list_held_secrets(self, tree: Mapping[str, Any]) -> list[dict[str, Any]]:
        salt, deployment = str(tree.get("salt", "")), self._deployment
        return [
            {
                **self._serialize_record(record),
                "secrets": digest_leaves(salt, deployment.decrypt_secrets(record)),
            }
            for record in deployment.store.list_records()
        ]

    def _read_state(self, tree: Any) -> dict[str, Any]:
        del tree
        deployment = self._deployment
        records = deployment.store.list_records()
        objects = {
            collection: [
                self._serialize_record(record) for record in records if record.collection == collection
            ]
            for collection in (CREDENTIALS, CONNECTIONS)
        }
        organizations = sorted({key.organization for key in deployment.keys.list_keys()})
        documents = {
            name: [each for org in organizations for each in deployment.store.list_documents(collection, org)]
            for name, collection in _DOCUMENT_COLLECTIONS.items()
        }
        return {"organizations": organizations, **objects, **documents}

    def _reset_deployment(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        self._deployment.clear()
        self._request_log.clear()
        self._faults.replace_faults(())
        self._deployment.clock.resume()
        if tree.get("settings"):
            self._deployment.settings = self._initial_settings
        return {}

    def _serialize_record(self, record: StoredRecord) -> dict[str, Any]:
        names = ("id", "collection", "organization", "name", "type", "status", "category")
        return {
            **{name: getattr(record, name) for name in names},
            "credentialId": record.credential_id,
            "config": record.plain_config(),
            "createdAt": self._deployment.format_time(record.created_at),
            "updatedAt": self._deployment.format_time(record.updated_at),
            "deletedAt": self._deployment.format_time(record.deleted_at),
        }

    def _default_organization(self) -> str:
        return self._deployment.keys.list_keys()[0].organization
