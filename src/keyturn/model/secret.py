"""Secret values, which can be sent and compared but not displayed.

The value is stored in a closure, where a walk over attributes does not find it. Every conversion
to text raises, because a mask interpolated into a payload would overwrite a live password.
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import NoReturn, final

_MASK = "Secret(hidden)"


@final
class Secret:  # noqa: PLW1641  # __hash__ is refused below
    """An opaque secret; ``reveal`` is the only access to its value, and a test lists its callers."""

    __slots__ = ("_open", "_open_mac")

    _open: Callable[[], str]
    _open_mac: Callable[[bytes, bytes], str]

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):
            message = "a secret is text; convert the value where it is read"
            raise TypeError(message)

        def compute_hmac(key: bytes, framing: bytes) -> str:
            return hmac.new(key, framing + value.encode(), hashlib.sha256).hexdigest()

        object.__setattr__(self, "_open", lambda: value)
        object.__setattr__(self, "_open_mac", compute_hmac)

    def reveal(self) -> str:
        """Return the value. Only the callers listed in ``tests/house`` may use it."""
        return self._open()

    def compute_hmac(self, key: bytes, framing: bytes) -> str:
        """Return HMAC-SHA256(key, framing + UTF-8 value) as 64 hex digits."""
        return self._open_mac(key, framing)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._open().encode(), other._open().encode())

    def __repr__(self) -> str:
        return _MASK

    def _refuse_conversion(self, *_: object) -> NoReturn:
        message = "a Secret cannot be converted to text, hashed, iterated or copied; pass the object itself"
        raise TypeError(message)

    __str__ = __format__ = _refuse_conversion
    __hash__ = __iter__ = __len__ = __bool__ = __getitem__ = _refuse_conversion
    __copy__ = __deepcopy__ = __reduce__ = __reduce_ex__ = __getstate__ = _refuse_conversion
    __setattr__ = __delattr__ = _refuse_conversion
