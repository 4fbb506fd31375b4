"""The Starlette application: faults, authentication, rate limit, routing, responses and errors."""

import inspect
import traceback
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import Receive, Scope, Send

from planasonix_emulator.deployment import Deployment
from planasonix_emulator.http.access import RateLimit, require_scope
from planasonix_emulator.http.messages import (
    ApiError,
    ApiRequest,
    ApiResponse,
    decode_json,
    encode_headers,
    strip_version,
    unknown_path,
)
from planasonix_emulator.http.response_formats import select_format
from planasonix_emulator.openapi import DOCUMENT_PATHS, build_document
from planasonix_emulator.routes.table import API_ROUTES, ApiRoute
from planasonix_emulator.testing.control_api import ControlApi
from planasonix_emulator.testing.control_client import CONTROL_PREFIX
from planasonix_emulator.testing.fault_injection import FaultInjector
from planasonix_emulator.testing.faults import FaultRegistry
from planasonix_emulator.testing.request_log import RequestLog

_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})


class EmulatorApp(Starlette):
    """The API and the control API of one deployment; an empty `control_token` closes the control API."""

    def __init__(self, deployment: Deployment, control_token: str = "") -> None:
        self.deployment = deployment
        self.faults = FaultRegistry()
        self.request_log = RequestLog()
        self.control = ControlApi(
            deployment, faults=self.faults, request_log=self.request_log, token=control_token
        )
        super().__init__(
            routes=self._build_routes(),
            middleware=[
                Middleware(
                    FaultInjector, deployment=deployment, faults=self.faults, request_log=self.request_log
                )
            ],
            exception_handlers={ApiError: self._respond_error, HTTPException: self._respond_unknown_path},
        )

    def _build_routes(self) -> list[BaseRoute]:
        return [
            *(Route(prefix + path, _respond_document) for path in DOCUMENT_PATHS for prefix in ("", "/v1")),
            Mount(CONTROL_PREFIX, app=_ControlEndpoint(self.control, self.deployment)),
            Mount("/", app=_ApiGateway(self.deployment)),
        ]

    async def _respond_error(self, request: Request, error: Any) -> Response:
        del request
        return select_format(self.deployment.settings).respond_error(error)

    async def _respond_unknown_path(self, request: Request, error: Any) -> Response:
        del error
        return await self._respond_error(request, unknown_path())


class _ControlEndpoint:
    def __init__(self, control: ControlApi, deployment: Deployment) -> None:
        self._control = control
        self._clock = deployment.clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        response = self._control.respond(request.method, scope["path"], request.headers, body)
        response.headers["Date"] = self._clock.http_date()
        await response(scope, receive, send)


class _ApiGateway:
    """Authenticates and counts each request before its path is looked up."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._rate_limit = RateLimit()
        paths: dict[str, dict[str, ApiRoute]] = {}
        for route in API_ROUTES:
            paths.setdefault(route.path, {})[route.method] = route
        self._router = Router(
            [Route(path, _PathEndpoint(deployment, routes)) for path, routes in paths.items()],
            redirect_slashes=False,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        deployment = self._deployment
        path = strip_version(scope["path"])
        if path == "/v1" or path.startswith("/v1/"):
            await _catalog_error()(scope, receive, send)
            return
        key = deployment.keys.authenticate(Request(scope).headers, deployment.settings)
        now = deployment.clock.now()
        limits = self._rate_limit.count_request(key.digest, deployment.settings, now)
        scope = {**scope, "root_path": "", "path": "/" + path.strip("/"), "auth": key, "limits": limits}
        await self._router(scope, receive, send)


class _PathEndpoint:
    """Calls the route for the method of a request, and answers bugs without the values of a traceback."""

    def __init__(self, deployment: Deployment, routes: dict[str, ApiRoute]) -> None:
        self._deployment = deployment
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._routes.get(scope["method"])
        if route is None:
            raise self._method_not_allowed()
        key = scope["auth"]
        require_scope(key, route.scope)
        request = Request(scope, receive)
        api_request = ApiRequest(
            query=dict(request.query_params),
            body=decode_json(await request.body()) if route.method in _BODY_METHODS else None,
            organization=key.organization,
            path_params=request.path_params,
        )
        try:
            response = route.endpoint(self._deployment, api_request)
            if inspect.isawaitable(response):
                response = await response
        except ApiError:
            raise
        except Exception as error:  # noqa: BLE001  # the response shows no values, unlike a traceback
            raise _bug_error(error) from None
        response.raw_headers += encode_headers(scope["limits"])
        await response(scope, receive, send)

    def _method_not_allowed(self) -> ApiError:
        message = "The path does not take this method."
        headers = (("Allow", ", ".join(sorted(self._routes))),)
        return ApiError(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", message, headers=headers)


async def _respond_document(request: Request) -> Response:
    del request
    return ApiResponse(HTTPStatus.OK, build_document())


def _catalog_error() -> ApiResponse:
    error = {"message": "No route for request", "type": "NoSuchEndpointException", "code": 404}
    return ApiResponse(HTTPStatus.NOT_FOUND, {"error": error})


def _bug_error(error: Exception) -> ApiError:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    location = f"{Path(frame.filename).stem}.{frame.name}, line {frame.lineno}"
    message = f"{type(error).__name__} in {location}"
    return ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "emulator_bug", message)
