"""Code: what ``keyturn explain`` says of a finding."""

from keyturn.core.frozen import frozen


@frozen
class Code:
    """A kind of finding: what it is in a few words, why it matters, how to end it."""

    title: str
    why: str
    fix: str

    @property
    def hint(self) -> str:
        """The fix as a finding's hint is written: a phrase with neither capital nor full stop."""
        return f"{self.fix[:1].lower()}{self.fix[1:]}".removesuffix(".")
