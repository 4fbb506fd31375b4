"""Findings of the ledger."""

import re
from pathlib import Path

from keyturn.catalog import load_catalog
from keyturn.model import diagnostic
from keyturn.model.diagnostic import Severity


def test_a_fault_stops_and_a_finding_warns():
    """Both name code, place and next step."""
    (stop,) = diagnostic.storage_error("KT604", "s3://b/p", "what", "next").diagnostics
    warning = diagnostic.storage_warning("KT623", "s3://b/p", "what", "next")
    assert (stop.severity, warning.severity) == (Severity.ERROR, Severity.WARNING)
    assert str(stop.origin) == str(warning.origin) == "s3://b/p"
    assert (stop.code, stop.message, stop.hint) == ("KT604", "what", "next")


def test_every_code_that_is_used_is_explained():
    """`keyturn explain` knows each code of the package, and no code of it lies idle."""
    sources = Path(diagnostic.__file__).parent.glob("*.py")
    used = set(re.findall(r'"(KT6\d\d)"', "".join(source.read_text() for source in sources)))
    explained = {code for code in load_catalog() if "KT600" <= code <= "KT629"}
    assert used == explained
