"""Errors of the service, classified by what may have happened there.

::

    ServiceError
    ├── NotSent          no byte of the request was sent: connect, DNS, TLS
    │   ├── UntrustedCertificateError  a retry would not help
    │   └── UnusableIdError  a retry would not help
    ├── Withheld         not sent: this run may not write any more
    ├── RequestRejected  4xx: not applied, a retry would not help
    │   ├── Unauthorized   401, 403
    │   ├── NotFound       404, 410
    │   └── Conflict       409: not applied, or applied earlier; read the object
    ├── Throttled        429, or 503 to a read: not applied, retry later
    ├── OutcomeUnknown   sent, no usable response: may have been applied
    └── InvalidResponse  the response to a read cannot be decoded
        └── IncompleteResponse  a list with missing pages or objects

No error has a body, a header, an ID or a value. ``service_code`` and ``details`` are rebuilt from words
that are safe to show (``service_text``). No decision depends on the text of an error.
"""

from types import MappingProxyType
from typing import Final

from msgspec import Struct

from keyturn.catalog import find_code
from keyturn.client.messages import Request
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, Severity

_HINT_BY_STATUS: Final = MappingProxyType(
    {
        402: "the subscription of the organization does not allow this; ask the owner of the organization",
        412: "the object changed meanwhile: run `keyturn plan` again and review what changed",
        413: "the request is too large for the service: shorten the settings in the manifest",
        423: "the object is locked: find out who locked it in Planasonix, and apply again afterwards",
        425: "the service is not ready for this request: wait and run `keyturn apply` again",
        451: "the service refuses this for legal reasons: ask the owner of the organization",
    }
)
"""Fixes for statuses that say more than the code of the error."""


class ErrorDetails(Struct, frozen=True, kw_only=True):
    """Facts about a failed request, all safe to show.

    ``reason`` is keyturn's text. ``service_code`` and ``details`` (``field: issue``) come from the service.
    ``retry_after`` is in seconds from the response, None if the header is missing or invalid.
    """

    status: int = 0
    request_id: str = ""
    service_code: str = ""
    details: tuple[str, ...] = ()
    reason: str = ""
    retry_after: float | None = None


class ServiceError(Exception):
    """A request failed; the subclass says what may have happened.

    ``may_be_applied``: this attempt or an earlier one of a write has an unknown outcome.
    """

    diagnostic_code = "KT501"
    summary = "failed"

    def __init__(
        self, request: Request, error_details: ErrorDetails | None = None, *, diagnostic_code: str = ""
    ) -> None:
        self.method = request.method
        self.path = request.path_template
        self.error_details = error_details or ErrorDetails()
        self.diagnostic_code = diagnostic_code or type(self).diagnostic_code
        self.may_be_applied = False
        super().__init__(self.message)

    @property
    def status(self) -> int:
        """HTTP status, 0 without a response."""
        return self.error_details.status

    @property
    def request_id(self) -> str:
        """The service's ID of this request, empty if it sent none."""
        return self.error_details.request_id

    @property
    def service_code(self) -> str:
        """The service's error code, empty if it sent none that is safe to show."""
        return self.error_details.service_code

    @property
    def retry_after(self) -> float | None:
        """Seconds that the service asks to wait, counted from its response."""
        return self.error_details.retry_after

    @property
    def request_line(self) -> str:
        """Method and path template of the request."""
        return f"{self.method} {self.path}"

    @property
    def message(self) -> str:
        """One line: request, summary, status, code, details, reason, request ID."""
        facts = self.error_details
        parts = [
            str(facts.status) if facts.status else "",
            facts.service_code,
            "; ".join(facts.details),
            facts.reason,
        ]
        description = ", ".join(part for part in parts if part)
        suffix = f" (request {facts.request_id})" if facts.request_id else ""
        return f"{self.request_line} {self.summary}" + (f": {description}" if description else "") + suffix

    @property
    def hint(self) -> str:
        """The fix for the status, else the one that the catalog gives for the code."""
        return _HINT_BY_STATUS.get(self.status) or find_code(self.diagnostic_code).hint

    def to_diagnostic(self, origin: SourceLocation | None = None) -> Diagnostic:
        """Return the error as a diagnostic; ``origin`` is the manifest or setting it concerns, if any."""
        return Diagnostic(
            code=self.diagnostic_code,
            severity=Severity.ERROR,
            message=self.message,
            origin=origin or SourceLocation(self.request_line),
            hint=self.hint,
        )


class NotSent(ServiceError):
    """No byte of the request was sent. ``is_permanent``: a retry has the same result."""

    diagnostic_code = "KT508"
    summary = "was not sent"
    is_permanent = False


class UntrustedCertificateError(NotSent):
    """The certificate of the service is not trusted, so no byte of the request was sent."""

    diagnostic_code = "KT514"
    is_permanent = True


class UnusableIdError(NotSent):
    """The ID of the object is not one path segment, so no request was sent."""

    diagnostic_code = "KT522"
    is_permanent = True


class Withheld(ServiceError):
    """The run was interrupted, or lost its permission to write, while this write waited; no byte was sent."""

    diagnostic_code = "KT508"
    summary = "was withheld"


class RequestRejected(ServiceError):
    """The service did not apply the request; a retry has the same result."""

    summary = "was rejected"


class Unauthorized(RequestRejected):
    """The key is not accepted (401), or lacks scope, resource policy or IP allow-list entry (403)."""

    diagnostic_code = "KT502"

    def __init__(
        self, request: Request, error_details: ErrorDetails | None = None, *, diagnostic_code: str = ""
    ) -> None:
        forbidden = error_details is not None and error_details.status != 401  # noqa: PLR2004
        super().__init__(
            request, error_details, diagnostic_code=diagnostic_code or ("KT503" if forbidden else "")
        )


class NotFound(RequestRejected):
    """The object does not exist, or is not visible to this key."""

    diagnostic_code = "KT504"
    summary = "found no object"


class Conflict(RequestRejected):
    """A name is taken, an object is in use, or its state does not allow the request."""

    diagnostic_code = "KT505"


class Throttled(ServiceError):
    """The service did not apply the request; retry later, after ``retry_after`` seconds if set."""

    diagnostic_code = "KT506"
    summary = "was throttled"


class OutcomeUnknown(ServiceError):
    """The request was sent and got no usable response: it may have been applied.

    A read changes nothing, so its code is KT518.
    """

    diagnostic_code = "KT507"
    summary = "got no usable response"

    def __init__(
        self, request: Request, error_details: ErrorDetails | None = None, *, diagnostic_code: str = ""
    ) -> None:
        super().__init__(
            request, error_details, diagnostic_code=diagnostic_code or ("KT518" if request.is_read else "")
        )
        self.may_be_applied = request.is_write


class InvalidResponse(ServiceError):
    """The response to a read cannot be decoded. It never counts as an empty result."""

    diagnostic_code = "KT509"
    summary = "got a response that cannot be decoded"


class IncompleteResponse(InvalidResponse):
    """A list lacks a page, repeats a cursor, or has fewer rows than its total."""

    diagnostic_code = "KT510"
    summary = "returned an incomplete list"
