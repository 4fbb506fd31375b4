"""Stand-ins for Google Cloud Storage and Azure Blob: what a state needs of them, and no more.

They take of a write only the conditions that the service itself takes, and so show a client that
relies on any other: what has none that counts overwrites. They check under a lock, so that of two
writers one is refused, as the services promise.

Cloud Storage, XML API (cloud.google.com/storage/docs/request-preconditions): a write heeds
``x-goog-if-generation-match`` alone, 0 meaning that there is no such object, and is refused with 412;
``If-Match`` and ``If-None-Match`` are for requests that read. Every answer has ``x-goog-generation``.

Azure, Put Blob (learn.microsoft.com/rest/api/storageservices, "Specifying conditional headers for
Blob service operations" and "Put Blob"): ``If-None-Match: *`` means that there is no such blob, or
409 BlobAlreadyExists; ``If-Match`` names the entity tag, quotes included, or 412 ConditionNotMet, as
where there is no blob. ``x-ms-blob-type`` is required.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

STAMP = "2026-03-09T12:00:00.000Z"


class ObjectStoreServer(ThreadingHTTPServer):
    """One bucket: objects by name, each with the number of its write."""

    daemon_threads = True

    def __init__(self, flavour: str, host: str = "127.0.0.1") -> None:
        super().__init__((host, 0), _RequestHandler)
        self.flavour = flavour
        self.objects: dict[str, tuple[bytes, int]] = {}
        self.writes = 0
        self.lose_answers = 0
        self.refuse_with = 0
        self.guard = threading.Lock()

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def put(self, name: str, data: bytes, headers: dict[str, str]) -> int | None:
        """Write if the condition in ``headers`` holds; return the number of the write, or None."""
        with self.guard:
            _, number = self.objects.get(name, (b"", 0))
            if not _HOLDS[self.flavour](headers, number):
                return None
            self.writes += 1
            self.objects[name] = (data, self.writes)
            return self.writes


def _google(headers: dict[str, str], number: int) -> bool:
    wanted = headers.get("x-goog-if-generation-match")
    return wanted is None or int(wanted) == number


def _azure(headers: dict[str, str], number: int) -> bool:
    if headers.get("if-none-match") == "*" and number:
        return False
    return headers.get("if-match") in {None, _tag(number) if number else ""}


_HOLDS = {"gs": _google, "az": _azure}


def _tag(number: int) -> str:
    return f'"0x{number:08X}"'


class _RequestHandler(BaseHTTPRequestHandler):
    server: ObjectStoreServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Be silent."""

    def do_PUT(self) -> None:
        """Write an object."""
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.refuse_with:
            return self._answer(self.server.refuse_with)
        if self.server.flavour == "az" and self.headers.get("x-ms-blob-type") != "BlockBlob":
            return self._answer(400)
        number = self.server.put(self._name(), data, {k.lower(): v for k, v in self.headers.items()})
        if number is None:
            # Azure tells the two conditions apart, Cloud Storage does not.
            azure_create = self.server.flavour == "az" and self.headers.get("If-None-Match")
            return self._answer(409 if azure_create else 412)
        if self.server.lose_answers:
            self.server.lose_answers -= 1
            return self._answer(503)
        return self._answer(201 if self.server.flavour == "az" else 200, number=number)

    def do_DELETE(self) -> None:
        """Delete an object."""
        found = self.server.objects.pop(self._name(), None)
        return self._answer(204 if found else 404)

    def do_POST(self) -> None:
        """Delete the blobs of a batch request (Blob Batch, which the client library uses to delete)."""
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        names = re.findall(r"^DELETE (\S+) HTTP/1.1", text, re.MULTILINE)
        found = [self.server.objects.pop(unquote(name), None) for name in names]
        parts = "".join(
            f"--part\r\nContent-Type: application/http\r\nContent-ID: {number}\r\n\r\n"
            f"HTTP/1.1 {'202 Accepted' if blob else '404 The specified blob does not exist.'}\r\n\r\n\r\n"
            for number, blob in enumerate(found)
        )
        return self._answer(
            202, f"{parts}--part--\r\n".encode(), content_type="multipart/mixed; boundary=part"
        )

    def do_GET(self) -> None:
        """Read an object, or list them."""
        if self.server.refuse_with:
            return self._answer(self.server.refuse_with)
        if "prefix" in self._query() or "list-type" in self._query():
            return self._answer(200, self._listing())
        found = self.server.objects.get(self._name())
        return self._answer(200, found[0], found[1]) if found else self._answer(404)

    def do_HEAD(self) -> None:
        """Read an object's headers."""
        self.do_GET()

    def _name(self) -> str:
        return unquote(urlsplit(self.path).path)

    def _query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.path).query, keep_blank_values=True)

    def _listing(self) -> bytes:
        query = self._query()
        base = self._name().rstrip("/") + "/"
        names = (name.removeprefix(base) for name in sorted(self.server.objects) if name.startswith(base))
        wanted = [name for name in names if name.startswith(query.get("prefix", [""])[0])]
        behind = query.get("start-after", query.get("startFrom", [""]))[0]
        form = _azure_list if self.server.flavour == "az" else _google_list
        return form([name for name in wanted if name > behind or not behind]).encode()

    def _answer(self, status: int, body: bytes = b"", number: int = 0, content_type: str = "") -> None:
        self.send_response(status)
        if content_type:
            self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", formatdate(usegmt=True))
        if number:
            self.send_header("ETag", _tag(number))
            self.send_header("x-goog-generation", str(number))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _google_list(names: list[str]) -> str:
    items = "".join(
        f"<Contents><Key>{escape(name)}</Key><LastModified>{STAMP}</LastModified>"
        "<ETag>e</ETag><Size>1</Size></Contents>"
        for name in names
    )
    return f"<ListBucketResult><IsTruncated>false</IsTruncated>{items}</ListBucketResult>"


def _azure_list(names: list[str]) -> str:
    items = "".join(
        f"<Blob><Name>{escape(name)}</Name><Properties><Last-Modified>{formatdate(usegmt=True)}"
        "</Last-Modified><Content-Length>1</Content-Length><Content-Type>x</Content-Type>"
        "<Etag>e</Etag></Properties></Blob>"
        for name in names
    )
    return f"<EnumerationResults><Blobs>{items}</Blobs><NextMarker/></EnumerationResults>"


@contextmanager
def run_object_store(flavour: str) -> Iterator[ObjectStoreServer]:
    """Serve a bucket of ``gs`` or ``az`` on loopback."""
    cloud = ObjectStoreServer(flavour)
    thread = threading.Thread(target=cloud.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield cloud
    finally:
        cloud.shutdown()
        thread.join()
        cloud.server_close()
