"""Reading whole lists: every page, in whichever form, or an error."""

from collections.abc import Mapping

from keyturn.api.attempts import Attempts
from keyturn.api.call import Call, Reply
from keyturn.api.dialect import record, rows
from keyturn.api.errors import Absent, Facts, Incomplete, Refused, ServiceError
from keyturn.api.judge import puzzled, tree_of
from keyturn.api.pages import LIMIT, Broken, Collected, Page, collect
from keyturn.api.records import Listing
from keyturn.api.strict import Puzzling
from keyturn.core.address import Origin
from keyturn.core.counting import counted
from keyturn.core.diagnostic import Diagnostic, Severity

_TOO_MUCH = frozenset({400, 422})


class Lists:
    """Reads lists through ``attempts``; remembers which lists do not take a page size, or are bare arrays."""

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts
        self._unlimited: set[str] = set()
        self.bare: set[str] = set()

    def read(self, path: str, *, partial: bool = False) -> Listing:
        """Return the whole list at ``path`` (``/api/connections``); ``partial`` as in ``dialect.record``.

        A list that is not complete is read once more from its start, for objects that come and go
        meanwhile shift pages. Raises Incomplete, Malformed, Absent with a hint about the address,
        and whatever else a read may raise.
        """
        try:
            return _Reading(self, path, partial=partial).listing()
        except Incomplete:
            return _Reading(self, path, partial=partial).listing()

    def ask(self, call: Call) -> Reply:
        """Return the answer to one page; 404 becomes the finding that there is no API here."""
        absent: Absent | None = None
        try:
            return self._attempts.send(call, idempotent=True)
        except Absent as error:
            absent = error
        raise Absent(call, absent.facts, number="KT516")

    def ask_page(self, path: str, cursor: str) -> tuple[Call, Reply]:
        """Return one page, asked for with a large page size unless this list refused that before."""
        call = _page(path, cursor, LIMIT if path not in self._unlimited else 0)
        try:
            return call, self.ask(call)
        except Refused as error:
            if error.status not in _TOO_MUCH or cursor or path in self._unlimited:
                raise
        self._unlimited.add(path)
        call = _page(path, cursor, 0)
        return call, self.ask(call)


class _Reading:
    def __init__(self, lists: Lists, path: str, *, partial: bool) -> None:
        self._lists = lists
        self._path = path
        self._partial = partial
        self._call = _page(path, "", 0)
        self._reply = Reply(status=0)
        self._date: float | None = None

    def listing(self) -> Listing:
        error: ServiceError | None = None
        try:
            whole = collect(self._fetch)
            records = tuple(record(row, partial=self._partial) for row in whole.rows)
        except Puzzling as puzzling:
            error = puzzled(self._call, self._reply, str(puzzling))
        except Broken as broken:
            error = Incomplete(self._call, Facts(status=self._reply.status, why=str(broken)))
        if error:
            raise error
        return Listing(
            records=records, server_date=self._date, warnings=self._warnings(whole), pages=whole.pages
        )

    def _fetch(self, cursor: str) -> Page:
        expired = ""
        try:
            self._call, self._reply = self._lists.ask_page(self._path, cursor)
        except Refused as error:
            if not cursor or error.status in {401, 403}:
                raise
            expired = f"page after the first was refused with {error.status}"
        if expired:
            raise Broken(expired)
        tree = tree_of(self._call, self._reply)
        if not cursor:
            self._date = self._reply.date
            if isinstance(tree, list):
                self._lists.bare.add(self._path)
        found, meta = rows(tree, self._path.rpartition("/")[2])
        return Page(rows=found, meta=meta)

    def _warnings(self, whole: Collected) -> tuple[Diagnostic, ...]:
        if not whole.cut:
            return ()
        came = counted(len(whole.rows), "object")
        message = f"{came} came, as many as fit on a page, and no word of whether there are more"
        hint = "compare the number with the one that Planasonix shows"
        origin = Origin(self._call.where)
        return (
            Diagnostic(code="KT515", severity=Severity.WARNING, message=message, origin=origin, hint=hint),
        )


def _page(path: str, cursor: str, limit: int) -> Call:
    query: Mapping[str, str] = {"limit": str(limit) if limit else "", "cursor": cursor}
    pairs = tuple((name, value) for name, value in query.items() if value)
    return Call(method="GET", path=path, template=path, verb="list", query=pairs)
