"""A finding: what is wrong or worth knowing, where, why it matters and what to do next."""

from enum import IntEnum

from keyturn.core.address import Address, Origin
from keyturn.core.counting import counted
from keyturn.core.frozen import frozen


class Severity(IntEnum):
    """How much a finding weighs; the order is the order in which findings are shown."""

    ERROR = 0
    WARNING = 1
    NOTE = 2


@frozen(kw_only=True)
class Diagnostic:
    """A finding as a value.

    ``code`` is stable (``KT201``) and explained by ``keyturn explain``. ``message`` says what is
    wrong and never holds a value of a manifest that could be a secret; ``hint`` says what to do.
    """

    code: str
    severity: Severity
    message: str
    origin: Origin
    hint: str = ""
    address: Address | None = None

    @property
    def rank(self) -> tuple[int, Origin, str, str]:
        """The sort key: worst first, then by place."""
        return (self.severity, self.origin, self.code, self.message)


class Faulty(Exception):  # noqa: N818
    """Raised where work cannot go on because of things that the user can fix; all of them at once."""

    def __init__(self, *findings: Diagnostic) -> None:
        super().__init__(counted(len(findings), "finding"))
        self.findings = tuple(sorted(findings, key=lambda finding: finding.rank))
