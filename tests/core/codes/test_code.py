"""An entry of the table of codes."""

import pytest

from keyturn.core.codes.code import Code


@pytest.mark.parametrize(
    ("fix", "hint"),
    [
        ("Run `keyturn plan` again.", "run `keyturn plan` again"),
        ("Take it back. Then set it anew.", "take it back. Then set it anew"),
        ("`keyturn doctor` says more (see KT020)", "`keyturn doctor` says more (see KT020)"),
    ],
)
def test_a_fix_as_a_hint(fix, hint):
    """A sentence in the table, a phrase in a line."""
    assert Code("a title", "Why.", fix).hint == hint
