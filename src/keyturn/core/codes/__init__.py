"""Every code of a finding, with why it matters and how to end it: one table, one module per hundred."""

from collections.abc import Mapping
from types import MappingProxyType

from keyturn.core.codes import kt0, kt07, kt08, kt1, kt2, kt3, kt4, kt5, kt6, kt13, kt25, kt40
from keyturn.core.codes.code import Code

CODES: Mapping[str, Code] = MappingProxyType(
    {
        **kt0.CODES,
        **kt07.CODES,
        **kt08.CODES,
        **kt1.CODES,
        **kt13.CODES,
        **kt2.CODES,
        **kt25.CODES,
        **kt3.CODES,
        **kt40.CODES,
        **kt4.CODES,
        **kt5.CODES,
        **kt6.CODES,
    }
)
