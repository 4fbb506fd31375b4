"""What a failure on the way means: was a byte of the request sent or not?"""

import ssl
from collections.abc import Mapping
from socket import gaierror

from keyturn.api.call import Request
from keyturn.api.errors import ErrorDetails, ServiceError, NotSent, OutcomeUnknown, UntrustedCertificateError
from keyturn.api.http import httpx

_NOT_SENT_REASONS: Mapping[type[Exception], str] = {
    httpx.ConnectTimeout: "no connection in time",
    httpx.PoolTimeout: "no connection was free in time",
    httpx.ConnectError: "no connection",
    httpx.ProxyError: "the proxy made no connection",
    httpx.UnsupportedProtocol: "not an address of http",
}
_UNKNOWN_OUTCOME_REASONS: Mapping[type[Exception], str] = {
    httpx.ReadTimeout: "no answer in time",
    httpx.WriteTimeout: "it could not be sent in time",
    httpx.ReadError: "the connection broke",
    httpx.WriteError: "the connection broke",
    httpx.CloseError: "the connection broke",
    httpx.RemoteProtocolError: "the connection ended before the answer did, or the answer is no HTTP",
}
_KNOWN_CAUSES: Mapping[type[BaseException], str] = {
    ssl.SSLCertVerificationError: "the certificate is not trusted",
    ssl.SSLError: "TLS could not be agreed on",
    gaierror: "the host's name is not known",
    ConnectionRefusedError: "nothing listens there",
}


def classify_transport_error(request: Request, error: Exception) -> ServiceError:
    """Return what an exception of httpx means for ``call``: Unreachable or Unsure.

    Connecting, waiting for a free connection and the handshakes of TLS and proxy come before the
    first byte of the request. Everything else, and everything unknown, may have come after it: a
    write that failed may have been read in part, and a kept-alive connection that the service
    closes as a request is written looks the same whether the request was read or not.
    """
    for kind, why in _NOT_SENT_REASONS.items():
        if isinstance(error, kind):
            cause, found = _find_cause(error)
            trusted = not isinstance(cause, ssl.SSLCertVerificationError)
            refusal = NotSent if trusted else UntrustedCertificateError
            return refusal(request, ErrorDetails(reason=found or why))
    why = next((why for kind, why in _UNKNOWN_OUTCOME_REASONS.items() if isinstance(error, kind)), "")
    return OutcomeUnknown(request, ErrorDetails(reason=why or "an unexpected failure while it was sent or answered"))


def _find_cause(error: BaseException | None) -> tuple[BaseException | None, str]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        for kind, why in _KNOWN_CAUSES.items():
            if isinstance(error, kind):
                return error, why
        error = error.__cause__ or error.__context__
    return None, ""
