"""What JSON must be to be taken: raised is TypeError, as by Python itself for another shape."""


def require_text(value: object) -> str:
    """Return ``value``, which must be text; raises TypeError."""
    if not isinstance(value, str):
        message = "text was expected"
        raise TypeError(message)
    return value


def require_texts(values: object) -> tuple[str, ...]:
    """Return ``values``, which must be a list of text; raises TypeError."""
    if not isinstance(values, list | tuple):
        message = "a list was expected"
        raise TypeError(message)
    "".join(values)
    return tuple(values)
