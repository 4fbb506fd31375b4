"""The shapes in which the service may speak: as documented, as its Go client, as its introduction."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from planasonix_emulator.listing import Page
from planasonix_emulator.messages import Problem, encode, invalid
from planasonix_emulator.settings import Settings
from planasonix_emulator.views import EXTRAS

Tree = dict[str, Any]

_SUMMARY = ("id", "name", "type", "credentialId", "createdAt", "updatedAt")
_CONNECTION_FIELDS = ("name", "type", "config", "credentialId")


class Docs:
    """As the resource pages show it: credentials within `data`, single connections bare."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def connection_limit(self) -> int:
        """Return the page size of the list of connections; 0 for no pages."""
        return self.settings.connection_page_size

    def credential(self, view: Tree) -> Any:
        """Shape one credential, or what is left of it after a deletion."""
        return {"data": view}

    def credentials(self, views: Sequence[Tree], page: Page) -> Any:
        """Shape a page of credentials."""
        return {"data": views, "meta": {"page": {"limit": page.limit, "cursor": page.cursor}}}

    def connection(self, view: Tree, *, created: bool = False) -> Any:
        """Shape one connection; a new one shows only when it was created, any other when it was updated."""
        hidden = ("updatedAt" if created else "createdAt", "category", "deletedAt")
        return {name: value for name, value in view.items() if name not in hidden}

    def connections(self, views: Sequence[Tree], page: Page) -> Any:
        """Shape a list of connections, without their settings."""
        meta: Tree = {"total": page.total}
        if self.connection_limit():
            meta["page"] = {"limit": page.limit, "cursor": page.cursor}
        return {"data": [_only(view, _SUMMARY) for view in views], "meta": meta}

    def connection_gone(self, view: Tree) -> Any:
        """Shape the answer to the removal of a connection."""
        return {"ok": True, "id": view["id"], "deletedAt": view["deletedAt"]}

    def verdict(self, verdict: Tree) -> Any:
        """Shape the result of a connection test."""
        return verdict

    def problem(self, problem: Problem) -> Any:
        """Shape a refusal."""
        error: Tree = {"code": problem.code, "message": problem.message}
        if problem.details:
            error["details"] = [{"field": name, "issue": issue} for name, issue in problem.details]
        return {"error": error}

    def single(self, kind: str, view: Tree) -> Any:
        """Shape a pipeline or a project: bare, camelCase."""
        del kind
        return view

    def several(self, kind: str, views: Sequence[Tree]) -> Any:
        """Shape a list of pipelines."""
        del kind
        return {"data": views, "meta": {"total": len(views)}}

    def credential_draft(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what a body says of a credential: name, type, config, as far as present."""
        return _present(body, ("name", "type", "config"))

    def connection_draft(self, body: Mapping[str, Any], *, whole: bool) -> Mapping[str, Any]:
        """Return what a body says of a connection: name, type, config, credentialId, category."""
        del whole
        return _present(body, (*_CONNECTION_FIELDS, "category"))

    def test_draft(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what a body says of a connection to test: type, config, credentialId."""
        return _present(body, _CONNECTION_FIELDS)


class Backend(Docs):
    """As the vendor's Go client claims: bare arrays, `params` of strings, errors that are strings."""

    def connection(self, view: Tree, *, created: bool = False) -> Any:
        """Shape one connection with `category` and `params`."""
        del created
        return self._plain(view) | {"params": {name: _text(each) for name, each in view["config"].items()}}

    def connections(self, views: Sequence[Tree], page: Page) -> Any:
        """Shape a list as a bare array, which cannot say that more follows."""
        del page
        return [self._plain(view) for view in views]

    def connection_gone(self, view: Tree) -> Any:
        """Shape the answer to the removal of a connection."""
        del view
        return {"success": True}

    def verdict(self, verdict: Tree) -> Any:
        """Shape the result of a connection test as success and message."""
        shaped = {"success": verdict["ok"]} if "ok" in verdict else {}
        return shaped | {"message": verdict["message"]}

    def problem(self, problem: Problem) -> Any:
        """Shape a refusal as a string."""
        return {"error": problem.message}

    def several(self, kind: str, views: Sequence[Tree]) -> Any:
        """Shape a list of pipelines as a bare array."""
        del kind
        return list(views)

    def connection_draft(self, body: Mapping[str, Any], *, whole: bool) -> Mapping[str, Any]:
        """Return what a body says of a connection; always the whole object is wanted."""
        del whole
        missing = [name for name in ("name", "type", "category", "params") if name not in body]
        if missing:
            raise invalid(*((name, "missing") for name in missing))
        if body["category"] not in ("source", "destination"):
            raise invalid(("category", "neither source nor destination"))
        draft = _present(body, ("name", "type", "category", "credentialId"))
        if self.settings.backend_link == "ignore":
            draft.pop("credentialId", None)
        return draft | {"config": _params(body["params"])}

    def test_draft(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what a body says of a connection to test, its settings under `params`."""
        draft = _present(body, ("type", "credentialId"))
        if self.settings.backend_link == "ignore":
            draft.pop("credentialId", None)
        return draft | {"config": _params(body.get("params"))}

    def _plain(self, view: Tree) -> Tree:
        names = ["id", "name", "type"]
        if self.settings.backend_link == "echo":
            names.append("credentialId")
        if self.settings.backend_timestamps:
            names += ["createdAt", "updatedAt"]
        return _only(view, names) | {"category": view["category"] or "source"}


class JsonApi(Docs):
    """As the introduction promises: everything within `data.attributes`, snake_case."""

    def connection_limit(self) -> int:
        """Return the page size of the list of connections, as of every list."""
        return self.settings.connection_page_size or self.settings.page_size

    def credential(self, view: Tree) -> Any:
        """Shape one credential as a resource."""
        return {"data": _resource("credentials", view)}

    def credentials(self, views: Sequence[Tree], page: Page) -> Any:
        """Shape a page of credentials as resources."""
        return _paged([_resource("credentials", view) for view in views], page)

    def connection(self, view: Tree, *, created: bool = False) -> Any:
        """Shape one connection as a resource."""
        del created
        return {"data": _resource("connections", {**view, "deletedAt": None})}

    def connections(self, views: Sequence[Tree], page: Page) -> Any:
        """Shape a page of connections as resources."""
        return _paged([_resource("connections", _only(view, _SUMMARY)) for view in views], page)

    def connection_gone(self, view: Tree) -> Any:
        """Shape the answer to the removal of a connection as a resource."""
        return {"data": _resource("connections", _only(view, ("id", "deletedAt")))}

    def verdict(self, verdict: Tree) -> Any:
        """Shape the result of a connection test as a resource without an id."""
        attributes = {_snake(name): value for name, value in verdict.items()}
        return {"data": {"type": "connection_tests", "attributes": attributes}}

    def single(self, kind: str, view: Tree) -> Any:
        """Shape a pipeline as a resource."""
        return {"data": _resource(kind, view)}

    def several(self, kind: str, views: Sequence[Tree]) -> Any:
        """Shape a list of pipelines as resources."""
        meta = {"page": {"limit": max(len(views), 1), "cursor": None}}
        return {"data": [_resource(kind, view) for view in views], "meta": meta}

    def credential_draft(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what a body, wrapped or not, says of a credential."""
        return super().credential_draft(_unwrapped(body))

    def connection_draft(self, body: Mapping[str, Any], *, whole: bool) -> Mapping[str, Any]:
        """Return what a body, wrapped or not, in either spelling, says of a connection."""
        return super().connection_draft(_camel(body), whole=whole)

    def test_draft(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what a body, wrapped or not, says of a connection to test."""
        return super().test_draft(_camel(body))


DIALECTS: Mapping[str, type[Docs]] = MappingProxyType({"docs": Docs, "backend": Backend, "jsonapi": JsonApi})


def speaking(settings: Settings) -> Docs:
    """Return the dialect that the settings name."""
    return DIALECTS[settings.dialect](settings)


def _resource(kind: str, view: Tree) -> Tree:
    attributes = {_snake(name): value for name, value in view.items() if name != "id"}
    return {"id": view["id"], "type": kind, "attributes": attributes}


def _paged(resources: list[Tree], page: Page) -> Tree:
    return {"data": resources, "meta": {"page": {"limit": page.limit, "cursor": page.cursor}}}


def _unwrapped(body: Mapping[str, Any]) -> Mapping[str, Any]:
    data = body.get("data")
    attributes = data.get("attributes") if isinstance(data, Mapping) else None
    return attributes if isinstance(attributes, Mapping) else body


def _camel(body: Mapping[str, Any]) -> Mapping[str, Any]:
    bare = dict(_unwrapped(body))
    if "credential_id" in bare:
        bare["credentialId"] = bare.pop("credential_id")
    return bare


def _present(body: Mapping[str, Any], names: Sequence[str]) -> Tree:
    return {name: body[name] for name in names if name in body}


def _only(view: Tree, names: Sequence[str]) -> Tree:
    return {name: view[name] for name in (*names, *(extra for extra in EXTRAS if extra in view))}


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else encode(value).decode()


def _params(value: Any) -> Tree:
    if not isinstance(value, Mapping):
        raise invalid(("params", "not an object"))
    wrong = [f"params.{name}" for name, each in value.items() if not isinstance(each, str)]
    if wrong:
        raise invalid(*((name, "not a string") for name in wrong))
    return dict(value)
