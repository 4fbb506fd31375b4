"""The choice among forms."""

import pytest

from keyturn.views.forms import select_format


def test_a_form_is_chosen_by_name():
    """And a name that is none is answered with those there are, as one who reads a log can see it."""
    forms = {"text": 1, "json": 2}
    assert select_format(forms, "json") == 2
    with pytest.raises(ValueError, match=r"^there is no form 'yaml\\x1b': name one of text, json$"):
        select_format(forms, "yaml\x1b")
