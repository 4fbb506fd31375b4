"""All manifests side by side."""

from keyturn.policy.manifest_index import build_manifest_index
from sample_policies import make_index, make_view

LOGIN = "kind: credential\nname: {name}\ntype: database\n"
LINK = "kind: connection\nname: {name}\ntype: postgres\ncredential: {uses}\n"


def test_manifests_are_sorted_by_file():
    """Regardless of the order of the input."""
    texts = [LOGIN.format(name="b"), LINK.format(name="c", uses="b"), LOGIN.format(name="a")]
    assert [one.address.name for one in make_index(*texts).resources] == ["c", "a", "b"]
    assert make_index(*texts).resources == make_index(*reversed(texts)).resources


def test_references_are_those_that_resolve():
    """Another check reports the others."""
    found = make_index(
        LOGIN.format(name="a"), LINK.format(name="c", uses="a"), LINK.format(name="d", uses="z")
    )
    assert [(use.source.address.name, use.path, use.target.address.name) for use in found.references] == [
        ("c", ("credential",), "a")
    ]
    assert [
        use.source.address.name for use in found.group_references_by_target()["manifests/credentials/a.yaml"]
    ] == ["c"]


def test_a_reference_does_not_leave_its_workspace():
    """Names are unique within one."""
    login = make_view(LOGIN.format(name="a"), workspace="one")
    link = make_view(LINK.format(name="c", uses="a"), workspace="two")
    assert build_manifest_index([login, link]).references == ()


def test_text_values_have_the_minimum_length_of_a_secret():
    """Values and names of fields."""
    text = LOGIN.format(name="a") + f"config: {{a: short, b: {'x' * 16}, {'y' * 16}: 1}}\n"
    found = [(writing.text[0], writing.is_key) for writing in make_index(text).text_values]
    assert found == [("x", False), ("y", True)]
