"""Response formats: how requests and responses represent objects.

The vendor's documentation contradicts itself: the resource pages, the Go client and the introduction
each show another format. The setting `dialect` selects one.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from planasonix_emulator.http.messages import ApiError, ApiResponse, encode_json, invalid_request
from planasonix_emulator.http.pagination import RecordPage
from planasonix_emulator.settings import EmulatorSettings

JsonObject = dict[str, Any]

EXTRA_FIELDS: Mapping[str, Any] = MappingProxyType(
    {"x_revision": 7, "owner": {"team": None}, "tags": [], "lastUsedAt": None}
)
"""Undocumented fields, which the setting `extra_fields` adds to objects."""

_SUMMARY = ("id", "name", "type", "credentialId", "createdAt", "updatedAt")
_CONNECTION_FIELDS = ("name", "type", "config", "credentialId")


class DocsFormat:
    """The format of the resource pages: credentials in `data`, single connections without an envelope."""

    def __init__(self, settings: EmulatorSettings) -> None:
        self.settings = settings

    def connection_page_size(self) -> int:
        """Return the page size of the list of connections; 0 for a list without pages."""
        return self.settings.connection_page_size

    def format_credential(self, view: JsonObject) -> Any:
        """Format one credential, also a deleted one."""
        return {"data": view}

    def format_credentials(self, views: Sequence[JsonObject], page: RecordPage) -> Any:
        """Format a page of credentials."""
        return {"data": views, "meta": {"page": {"limit": page.limit, "cursor": page.cursor}}}

    def format_connection(self, view: JsonObject, *, created: bool = False) -> Any:
        """Format one connection: a new one with its creation time only, others with the update time only."""
        hidden = ("updatedAt" if created else "createdAt", "category", "deletedAt")
        return {name: value for name, value in view.items() if name not in hidden}

    def format_connections(self, views: Sequence[JsonObject], page: RecordPage) -> Any:
        """Format a list of connections, without their configuration."""
        meta: JsonObject = {"total": page.total}
        if self.connection_page_size():
            meta["page"] = {"limit": page.limit, "cursor": page.cursor}
        return {"data": [_pick_fields(view, _SUMMARY) for view in views], "meta": meta}

    def format_deleted_connection(self, view: JsonObject) -> Any:
        """Format the response to the deletion of a connection."""
        return {"ok": True, "id": view["id"], "deletedAt": view["deletedAt"]}

    def format_test_result(self, result: JsonObject) -> Any:
        """Format the result of a connection test."""
        return result

    def format_error(self, error: ApiError) -> Any:
        """Format an error."""
        tree: JsonObject = {"code": error.code, "message": error.message}
        if error.details:
            tree["details"] = [{"field": name, "issue": issue} for name, issue in error.details]
        return {"error": tree}

    def respond_error(self, error: ApiError) -> ApiResponse:
        """Return the response for an error."""
        return ApiResponse(error.status, self.format_error(error), error.headers)

    def format_document(self, kind: str, view: JsonObject) -> Any:
        """Format a pipeline: without an envelope, in camelCase."""
        del kind
        return view

    def format_documents(self, kind: str, views: Sequence[JsonObject]) -> Any:
        """Format a list of pipelines."""
        del kind
        return {"data": views, "meta": {"total": len(views)}}

    def parse_credential(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the name, type and config of a credential that a body contains."""
        return _pick_present(body, ("name", "type", "config"))

    def parse_connection(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the name, type, config, credentialId and category of a connection that a body contains."""
        return _pick_present(body, (*_CONNECTION_FIELDS, "category"))

    def parse_test(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the type, config and credentialId of a connection test that a body contains."""
        return _pick_present(body, _CONNECTION_FIELDS)


class BackendFormat(DocsFormat):
    """The format of the Go client: arrays without an envelope, `params` of strings, errors as strings."""

    def format_connection(self, view: JsonObject, *, created: bool = False) -> Any:
        """Format one connection with `category` and `params`."""
        del created
        return self._format_summary(view) | {
            "params": {name: _format_text(each) for name, each in view["config"].items()}
        }

    def format_connections(self, views: Sequence[JsonObject], page: RecordPage) -> Any:
        """Format a list as an array, which has no cursor."""
        del page
        return [self._format_summary(view) for view in views]

    def format_deleted_connection(self, view: JsonObject) -> Any:
        """Format the response to the deletion of a connection."""
        del view
        return {"success": True}

    def format_test_result(self, result: JsonObject) -> Any:
        """Format the result of a connection test as success and message."""
        success = {"success": result["ok"]} if "ok" in result else {}
        return success | {"message": result["message"]}

    def format_error(self, error: ApiError) -> Any:
        """Format an error as a string."""
        return {"error": error.message}

    def format_documents(self, kind: str, views: Sequence[JsonObject]) -> Any:
        """Format a list of pipelines as an array."""
        del kind
        return list(views)

    def parse_connection(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the connection of a body; raises ApiError 400 unless the object is complete."""
        missing = [name for name in ("name", "type", "category", "params") if name not in body]
        if missing:
            raise invalid_request(*((name, "missing") for name in missing))
        if body["category"] not in ("source", "destination"):
            raise invalid_request(("category", "neither source nor destination"))
        draft = _pick_present(body, ("name", "type", "category", "credentialId"))
        if self.settings.backend_link == "ignore":
            draft.pop("credentialId", None)
        return draft | {"config": _parse_params(body["params"])}

    def parse_test(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the connection test of a body, its configuration from `params`."""
        draft = _pick_present(body, ("type", "credentialId"))
        if self.settings.backend_link == "ignore":
            draft.pop("credentialId", None)
        return draft | {"config": _parse_params(body.get("params"))}

    def _format_summary(self, view: JsonObject) -> JsonObject:
        names = ["id", "name", "type"]
        if self.settings.backend_link == "echo":
            names.append("credentialId")
        if self.settings.backend_timestamps:
            names += ["createdAt", "updatedAt"]
        return _pick_fields(view, names) | {"category": view["category"] or "source"}


class JsonApiFormat(DocsFormat):
    """The format of the introduction: all fields in `data.attributes`, in snake_case."""

    def connection_page_size(self) -> int:
        """Return the page size of the list of connections, by default that of every list."""
        return self.settings.connection_page_size or self.settings.page_size

    def format_credential(self, view: JsonObject) -> Any:
        """Format one credential as a resource."""
        return {"data": _format_resource("credentials", view)}

    def format_credentials(self, views: Sequence[JsonObject], page: RecordPage) -> Any:
        """Format a page of credentials as resources."""
        return _format_page([_format_resource("credentials", view) for view in views], page)

    def format_connection(self, view: JsonObject, *, created: bool = False) -> Any:
        """Format one connection as a resource."""
        del created
        return {"data": _format_resource("connections", {**view, "deletedAt": None})}

    def format_connections(self, views: Sequence[JsonObject], page: RecordPage) -> Any:
        """Format a page of connections as resources."""
        return _format_page(
            [_format_resource("connections", _pick_fields(view, _SUMMARY)) for view in views], page
        )

    def format_deleted_connection(self, view: JsonObject) -> Any:
        """Format the response to the deletion of a connection as a resource."""
        return {"data": _format_resource("connections", _pick_fields(view, ("id", "deletedAt")))}

    def format_test_result(self, result: JsonObject) -> Any:
        """Format the result of a connection test as a resource without an id."""
        attributes = {_to_snake_case(name): value for name, value in result.items()}
        return {"data": {"type": "connection_tests", "attributes": attributes}}

    def format_document(self, kind: str, view: JsonObject) -> Any:
        """Format a pipeline as a resource."""
        return {"data": _format_resource(kind, view)}

    def format_documents(self, kind: str, views: Sequence[JsonObject]) -> Any:
        """Format a list of pipelines as resources."""
        meta = {"page": {"limit": max(len(views), 1), "cursor": None}}
        return {"data": [_format_resource(kind, view) for view in views], "meta": meta}

    def parse_credential(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the credential of a body, with or without an envelope."""
        return super().parse_credential(_unwrap_attributes(body))

    def parse_connection(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the connection of a body, with or without an envelope, in snake_case or camelCase."""
        return super().parse_connection(_read_attributes(body))

    def parse_test(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the connection test of a body, with or without an envelope."""
        return super().parse_test(_read_attributes(body))


_FORMATS: Mapping[str, type[DocsFormat]] = MappingProxyType(
    {"docs": DocsFormat, "backend": BackendFormat, "jsonapi": JsonApiFormat}
)


def select_format(settings: EmulatorSettings) -> DocsFormat:
    """Return the format that the setting `dialect` selects."""
    return _FORMATS[settings.dialect](settings)


def _format_resource(kind: str, view: JsonObject) -> JsonObject:
    attributes = {_to_snake_case(name): value for name, value in view.items() if name != "id"}
    return {"id": view["id"], "type": kind, "attributes": attributes}


def _format_page(resources: list[JsonObject], page: RecordPage) -> JsonObject:
    return {"data": resources, "meta": {"page": {"limit": page.limit, "cursor": page.cursor}}}


def _unwrap_attributes(body: Mapping[str, Any]) -> Mapping[str, Any]:
    data = body.get("data")
    attributes = data.get("attributes") if isinstance(data, Mapping) else None
    return attributes if isinstance(attributes, Mapping) else body


def _read_attributes(body: Mapping[str, Any]) -> Mapping[str, Any]:
    attributes = dict(_unwrap_attributes(body))
    if "credential_id" in attributes:
        attributes["credentialId"] = attributes.pop("credential_id")
    return attributes


def _pick_present(body: Mapping[str, Any], names: Sequence[str]) -> JsonObject:
    return {name: body[name] for name in names if name in body}


def _pick_fields(view: JsonObject, names: Sequence[str]) -> JsonObject:
    return {name: view[name] for name in (*names, *(extra for extra in EXTRA_FIELDS if extra in view))}


def _to_snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _format_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else encode_json(value).decode()


def _parse_params(value: Any) -> JsonObject:
    if not isinstance(value, Mapping):
        raise invalid_request(("params", "not an object"))
    wrong = [f"params.{name}" for name, each in value.items() if not isinstance(each, str)]
    if wrong:
        raise invalid_request(*((name, "not a string") for name in wrong))
    return dict(value)
