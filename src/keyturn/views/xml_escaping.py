"""XML escaping of text for JUnit reports; in a module of its own, because the import takes long."""

from xml.sax.saxutils import escape, quoteattr

from keyturn.views.escaping import escape_line, escape_terminal


def quote_xml_attribute(text: str) -> str:
    """Return text on one line as a quoted attribute."""
    return quoteattr(escape_line(text))


def escape_xml_text(text: str) -> str:
    """Return text for the content of an element; line feeds stay."""
    return escape(escape_terminal(text))
