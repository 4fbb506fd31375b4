"""What can go wrong with the service, told apart by what may have happened there.

::

    ServiceError
    ├── Unreachable   no byte of the request was sent: connect, DNS, TLS
    │   └── UntrustedCertificateError  and a retry would not help
    ├── KeptBack      not sent, for this run may write no more
    ├── Refused       4xx: not done, and asking again would not help
    │   ├── Denied      401, 403
    │   ├── Absent      404, 410
    │   └── Conflict    409: not done, or done before; look
    ├── Busy          429, or 503 to a read: not done; ask again later
    ├── Unsure        sent, and no usable answer: may have happened
    └── Malformed     a read was answered, and the answer cannot be decoded
        └── Incomplete  a list that is not whole

None of them holds a body, a header, an id or a value; ``code`` and ``details`` are words of a closed
vocabulary (``hearsay``). No decision looks at the text of an error.
"""

from msgspec import Struct

from keyturn.catalog import find_code
from keyturn.client.messages import Request
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, Severity


class ErrorDetails(Struct, frozen=True, kw_only=True):
    """What an answer said beyond its status: all of it safe to show.

    ``why`` is ours, in a few words. ``code`` and ``details`` (``field: issue``) are the service's.
    ``retry_after`` is in seconds from the answer; None where the service did not say, or nonsense.
    """

    status: int = 0
    request_id: str = ""
    service_code: str = ""
    details: tuple[str, ...] = ()
    reason: str = ""
    retry_after: float | None = None


class ServiceError(Exception):
    """Something went wrong with one request; the subclass says what may have happened.

    ``may_be_applied``: a write whose outcome is unknown, in this attempt or in an earlier one.
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
        """The HTTP status, 0 where there was no answer."""
        return self.error_details.status

    @property
    def request_id(self) -> str:
        """What the service calls this request, empty where it does not say."""
        return self.error_details.request_id

    @property
    def service_code(self) -> str:
        """The service's word for the error, empty where it has none that may be repeated."""
        return self.error_details.service_code

    @property
    def retry_after(self) -> float | None:
        """Seconds that the service asks to wait, counted from its answer."""
        return self.error_details.retry_after

    @property
    def request_line(self) -> str:
        """The request: method and path template."""
        return f"{self.method} {self.path}"

    @property
    def message(self) -> str:
        """What happened, in one line: verdict, request, status, the service's words, request id."""
        facts = self.error_details
        said = [
            str(facts.status) if facts.status else "",
            facts.service_code,
            "; ".join(facts.details),
            facts.reason,
        ]
        what = ", ".join(part for part in said if part)
        trace = f" (request {facts.request_id})" if facts.request_id else ""
        return f"{self.request_line} {self.summary}" + (f": {what}" if what else "") + trace

    @property
    def hint(self) -> str:
        """What to do next."""
        return find_code(self.diagnostic_code).hint

    def to_diagnostic(self, origin: SourceLocation | None = None) -> Diagnostic:
        """Return the error as a finding; ``origin`` is the manifest or setting it concerns, if any."""
        return Diagnostic(
            code=self.diagnostic_code,
            severity=Severity.ERROR,
            message=self.message,
            origin=origin or SourceLocation(self.request_line),
            hint=self.hint,
        )


class NotSent(ServiceError):  # noqa: N818
    """No byte of the request was sent. ``lasting``: a retry has the same result."""

    diagnostic_code = "KT508"
    summary = "was not sent"
    is_permanent = False


class UntrustedCertificateError(NotSent):
    """The certificate of the service is not trusted, so no byte of the request was sent."""

    number = "KT514"
    lasting = True


class Withheld(ServiceError):  # noqa: N818
    """A write whose turn came when this run might write no more: nothing of it was sent."""

    diagnostic_code = "KT508"
    summary = "was kept back"


class RequestRejected(ServiceError):  # noqa: N818
    """The service did not do it, and would not if asked again."""

    summary = "was refused"


class Unauthorized(RequestRejected):
    """401: the key is not accepted. 403: scope, resource policy or IP allow-list. See ``status``."""

    diagnostic_code = "KT502"

    def __init__(
        self, request: Request, error_details: ErrorDetails | None = None, *, diagnostic_code: str = ""
    ) -> None:
        forbidden = error_details is not None and error_details.status != 401  # noqa: PLR2004
        super().__init__(
            request, error_details, diagnostic_code=diagnostic_code or ("KT503" if forbidden else "")
        )


class NotFound(RequestRejected):
    """The service does not know the object, or does not show it to this key."""

    diagnostic_code = "KT504"
    summary = "found nothing"


class Conflict(RequestRejected):
    """A name is taken, an object is in use, or the state is not the one that the request needs."""

    diagnostic_code = "KT505"


class Throttled(ServiceError):  # noqa: N818
    """The service did nothing and asks to come back later, after ``retry_after`` seconds if it says so."""

    diagnostic_code = "KT506"
    summary = "was put off"


class OutcomeUnknown(ServiceError):  # noqa: N818
    """The request was sent and no usable answer came: what it asks for may have happened.

    After a read nothing can have happened, and the advice is another one (KT518).
    """

    diagnostic_code = "KT507"
    summary = "got no usable answer"

    def __init__(
        self, request: Request, error_details: ErrorDetails | None = None, *, diagnostic_code: str = ""
    ) -> None:
        super().__init__(
            request, error_details, diagnostic_code=diagnostic_code or ("KT518" if request.is_read else "")
        )
        self.may_be_applied = request.is_write


class InvalidResponse(ServiceError):  # noqa: N818
    """A read was answered, and the answer cannot be decoded. Never taken for "nothing there"."""

    diagnostic_code = "KT509"
    summary = "was answered with something that cannot be understood"


class IncompleteResponse(InvalidResponse):
    """A list that is not whole: a lost page, a cursor that repeats, a total larger than the rows."""

    diagnostic_code = "KT510"
    summary = "gave a list that is not complete"
