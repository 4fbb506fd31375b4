"""The seal: a digest that binds secrets to their destination.

SOPS authenticates the values of a file, but not its keys. A person without the key can therefore
move bytes from one plain field to the next, or copy a whole file, and the file still decrypts. The
seal is stored encrypted among the secrets. It proves that a holder of the key approved these
secrets for this destination.

Canonical form, version 1. ``frame(x)`` is the length of ``x`` in bytes as decimal ASCII, a colon,
and ``x`` itself; text is UTF-8::

    input  = frame("keyturn seal 1") frame(kind) frame(name) frame(type) count field*
    count  = frame(number of fields as decimal ASCII)
    field  = frame(number of keys as decimal ASCII) frame(key)* leaf       fields sorted by path
    leaf   = "s" frame(text)                     a string
           | "i" frame(decimal)                  an integer
           | "f" frame(hex of 8 bytes)           a float, IEEE 754 binary64, big-endian
           | "b" frame("true" or "false")        a boolean
           | "n" frame("")                       null
           | "r" frame("kind/name")              a reference
           | "l" count leaf*                     a list
           | "m" count (frame(key) leaf)*        a mapping, sorted by key
    seal   = "k1-" + lower-case hex of SHA-256(input)

Paths and keys are sorted by code point. Test vectors::

    ("credential", "prod-x", "api_key", {})
        k1-f9a0c56ef362cc88c63c54d697ac726f8fc1f280f010488c5d89632015d1f77b
    ("credential", "prod-x", "database", {("config", "host"): "db", ("config", "port"): 5432})
        k1-ac70b2f17bf097fdb34c3953eaf7520b1e2d15daad3ffa737022fa91739a5786
    ("credential", "prod-x", "aws", {("config", "role_chain"): ["a", "b"]})
        k1-c8a5a472f4311bf5916fffac923436300ee5f02c16e645c8092ff9d15bf2e75e
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256

from keyturn.model.address import Address
from keyturn.model.fields import FieldPath, Fields

SEAL_PREFIX = "k1-"


def select_fields(fields: Fields, paths: Iterable[FieldPath]) -> Fields:
    """Return the fields at ``paths``; paths without a field are skipped."""
    return {path: fields[path] for path in paths if path in fields}


def compute_seal(kind: str, name: str, type: str, destination: Fields) -> str:  # noqa: A002
    """Return the seal of a resource: ``k1-`` and 64 hex digits, as specified in the module docstring."""
    digest = sha256()
    for part in (b"keyturn seal 1", kind.encode(), name.encode(), type.encode()):
        digest.update(_encode_frame(part))
    digest.update(_encode_count(destination))
    for path in sorted(destination):
        digest.update(_encode_count(path))
        for key in path:
            digest.update(_encode_frame(key.encode()))
        for part in _encode_leaf(destination[path]):
            digest.update(part)
    return SEAL_PREFIX + digest.hexdigest()


def _encode_frame(part: bytes) -> bytes:
    return b"%d:%s" % (len(part), part)


def _encode_count(
    items: Mapping[FieldPath, object] | FieldPath | list[object] | Mapping[str, object],
) -> bytes:
    return _encode_frame(b"%d" % len(items))


def _encode_leaf(value: object) -> Iterator[bytes]:
    if isinstance(value, Mapping):
        yield b"m" + _encode_count(value)
        for key in sorted(value):
            yield _encode_frame(key.encode())
            yield from _encode_leaf(value[key])
    elif isinstance(value, list | tuple):
        yield b"l" + _encode_count(list(value))
        for item in value:
            yield from _encode_leaf(item)
    else:
        tag, text = _encode_scalar(value)
        yield tag + _encode_frame(text)


def _encode_scalar(value: object) -> tuple[bytes, bytes]:
    match value:
        case None:
            return b"n", b""
        case bool():
            return b"b", b"true" if value else b"false"
        case int():
            return b"i", b"%d" % value
        case float():
            return b"f", struct.pack(">d", value).hex().encode()
        case str():
            return b"s", value.encode("utf-8", "surrogatepass")
        case Address():
            return b"r", str(value).encode()
        case _:
            message = f"a manifest cannot contain a value of type {type(value).__name__}"
            raise TypeError(message)
