"""The choice among the forms of one value."""

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


def select_format(forms: Mapping[str, T], form: str) -> T:
    """Return what stands under a form's name; raises ValueError that names the forms there are."""
    if form not in forms:
        raise ValueError(f"there is no form {form!a}: name one of {', '.join(forms)}")
    return forms[form]
