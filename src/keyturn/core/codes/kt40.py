"""KT400 to KT419: references between manifests."""

from collections.abc import Mapping
from types import MappingProxyType

from keyturn.core.codes.code import Code

CODES: Mapping[str, Code] = MappingProxyType(
    {
        "KT401": Code(
            "a reference leads nowhere",
            "No manifest of this workspace describes what the reference names, so no id can be filled in.",
            "Correct the name, or add a manifest; `keyturn import NAME` writes one for what is live.",
        ),
        "KT402": Code(
            "references go in a circle",
            "Each of them waits for the next, so none can be created first.",
            "Remove one of the references that the hint lists.",
        ),
        "KT403": Code(
            "a connection cannot use a credential of this type",
            "The connector knows other ways to log in; the connection test would fail.",
            "Refer to a credential of a type that the hint names.",
        ),
    }
)
