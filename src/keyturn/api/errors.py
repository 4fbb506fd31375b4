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

from keyturn.api.call import Call
from keyturn.catalog import find_code
from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic, Severity


class Facts(Struct, frozen=True, kw_only=True):
    """What an answer said beyond its status: all of it safe to show.

    ``why`` is ours, in a few words. ``code`` and ``details`` (``field: issue``) are the service's.
    ``retry_after`` is in seconds from the answer; None where the service did not say, or nonsense.
    """

    status: int = 0
    request_id: str = ""
    code: str = ""
    details: tuple[str, ...] = ()
    why: str = ""
    retry_after: float | None = None


class ServiceError(Exception):
    """Something went wrong with one request; the subclass says what may have happened.

    ``may_be_applied``: a write whose outcome is unknown, in this attempt or in an earlier one.
    """

    number = "KT501"
    verdict = "failed"

    def __init__(self, call: Call, facts: Facts | None = None, *, number: str = "") -> None:
        self.method = call.method
        self.path = call.template
        self.facts = facts or Facts()
        self.number = number or type(self).number
        self.may_be_applied = False
        super().__init__(self.message)

    @property
    def status(self) -> int:
        """The HTTP status, 0 where there was no answer."""
        return self.facts.status

    @property
    def request_id(self) -> str:
        """What the service calls this request, empty where it does not say."""
        return self.facts.request_id

    @property
    def code(self) -> str:
        """The service's word for the error, empty where it has none that may be repeated."""
        return self.facts.code

    @property
    def retry_after(self) -> float | None:
        """Seconds that the service asks to wait, counted from its answer."""
        return self.facts.retry_after

    @property
    def where(self) -> str:
        """The request: method and path template."""
        return f"{self.method} {self.path}"

    @property
    def message(self) -> str:
        """What happened, in one line: verdict, request, status, the service's words, request id."""
        facts = self.facts
        said = [str(facts.status) if facts.status else "", facts.code, "; ".join(facts.details), facts.why]
        what = ", ".join(part for part in said if part)
        trace = f" (request {facts.request_id})" if facts.request_id else ""
        return f"{self.where} {self.verdict}" + (f": {what}" if what else "") + trace

    @property
    def hint(self) -> str:
        """What to do next."""
        return find_code(self.number).hint

    def finding(self, origin: Origin | None = None) -> Diagnostic:
        """Return the error as a finding; ``origin`` is the manifest or setting it concerns, if any."""
        return Diagnostic(
            code=self.number,
            severity=Severity.ERROR,
            message=self.message,
            origin=origin or Origin(self.where),
            hint=self.hint,
        )


class Unreachable(ServiceError):  # noqa: N818
    """No byte of the request was sent. ``lasting``: a retry has the same result."""

    number = "KT508"
    verdict = "was not sent"
    lasting = False


class UntrustedCertificateError(Unreachable):
    """The certificate of the service is not trusted, so no byte of the request was sent."""

    number = "KT514"
    lasting = True


class KeptBack(ServiceError):  # noqa: N818
    """A write whose turn came when this run might write no more: nothing of it was sent."""

    number = "KT508"
    verdict = "was kept back"


class Refused(ServiceError):  # noqa: N818
    """The service did not do it, and would not if asked again."""

    verdict = "was refused"


class Denied(Refused):
    """401: the key is not accepted. 403: scope, resource policy or IP allow-list. See ``status``."""

    number = "KT502"

    def __init__(self, call: Call, facts: Facts | None = None, *, number: str = "") -> None:
        forbidden = facts is not None and facts.status != 401  # noqa: PLR2004
        super().__init__(call, facts, number=number or ("KT503" if forbidden else ""))


class Absent(Refused):
    """The service does not know the object, or does not show it to this key."""

    number = "KT504"
    verdict = "found nothing"


class Conflict(Refused):
    """A name is taken, an object is in use, or the state is not the one that the request needs."""

    number = "KT505"


class Busy(ServiceError):  # noqa: N818
    """The service did nothing and asks to come back later, after ``retry_after`` seconds if it says so."""

    number = "KT506"
    verdict = "was put off"


class Unsure(ServiceError):  # noqa: N818
    """The request was sent and no usable answer came: what it asks for may have happened.

    After a read nothing can have happened, and the advice is another one (KT518).
    """

    number = "KT507"
    verdict = "got no usable answer"

    def __init__(self, call: Call, facts: Facts | None = None, *, number: str = "") -> None:
        super().__init__(call, facts, number=number or ("KT518" if call.reads else ""))
        self.may_be_applied = call.writes


class Malformed(ServiceError):  # noqa: N818
    """A read was answered, and the answer cannot be decoded. Never taken for "nothing there"."""

    number = "KT509"
    verdict = "was answered with something that cannot be understood"


class Incomplete(Malformed):
    """A list that is not whole: a lost page, a cursor that repeats, a total larger than the rows."""

    number = "KT510"
    verdict = "gave a list that is not complete"
