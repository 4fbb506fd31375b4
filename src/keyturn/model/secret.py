"""A value that may be sent and compared, never shown.

The value lives in a closure, so that no walk over attributes finds it, and every way of turning
the object into text raises: a mask interpolated into a payload would overwrite a live password
with asterisks.
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import NoReturn, final

_MASK = "Secret(hidden)"


@final
class Secret:  # noqa: PLW1641  # hashing is refused below
    """An opaque secret: ``reveal`` is the only way in, and a test counts who calls it."""

    __slots__ = ("_open", "_open_mac")

    _open: Callable[[], str]
    _open_mac: Callable[[bytes, bytes], str]

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):
            message = "a secret is text; convert it where it is read, not here"
            raise TypeError(message)

        def compute_hmac(key: bytes, framing: bytes) -> str:
            return hmac.new(key, framing + value.encode(), hashlib.sha256).hexdigest()

        object.__setattr__(self, "_open", lambda: value)
        object.__setattr__(self, "_open_mac", compute_hmac)

    def reveal(self) -> str:
        """Return the value. Allowed in the places that ``tests/house`` names, and nowhere else."""
        return self._open()

    def compute_hmac(self, key: bytes, framing: bytes) -> str:
        """Return HMAC-SHA256(key, framing + UTF-8 value) as 64 hex digits; nothing is revealed."""
        return self._open_mac(key, framing)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._open().encode(), other._open().encode())

    def __repr__(self) -> str:
        return _MASK

    def _refuse_conversion(self, *_: object) -> NoReturn:
        message = "a Secret is never turned into text, hashed, iterated or copied; pass it on as it is"
        raise TypeError(message)

    __str__ = __format__ = _refuse_conversion
    __hash__ = __iter__ = __len__ = __bool__ = __getitem__ = _refuse_conversion
    __copy__ = __deepcopy__ = __reduce__ = __reduce_ex__ = __getstate__ = _refuse_conversion
    __setattr__ = __delattr__ = _refuse_conversion
