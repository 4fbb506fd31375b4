"""XML escaping for JUnit reports."""

from xml.etree import ElementTree as ET

from hypothesis import given

from keyturn.views.escaping import escape_line, escape_terminal
from keyturn.views.xml_escaping import escape_xml_text, quote_xml_attribute
from sample_plans import hostile_texts


@given(hostile_texts())
def test_any_text_survives_a_parser(text):
    """An attribute and an element hold the escaped text, and no markup from it."""
    element = ET.fromstring(f"<a b={quote_xml_attribute(text)}>{escape_xml_text(text)}</a>")  # noqa: S314 - our own text
    assert element.get("b") == escape_line(text)
    assert (element.text or "") == escape_terminal(text)
