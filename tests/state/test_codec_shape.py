"""What JSON must be to be taken."""

import pytest

from keyturn.state.codec import require_text, require_texts


def test_text_is_text():
    """The two checks at the bottom refuse what they name."""
    assert require_text("a") == "a"
    assert require_texts(["a", "b"]) == ("a", "b")
    for refused in (7, None, ["a"]):
        with pytest.raises(TypeError):
            require_text(refused)
    for refused in ("ab", {"a": 1}, [1]):
        with pytest.raises(TypeError):
            require_texts(refused)
