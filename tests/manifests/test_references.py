"""References: to something that is there, that fits, and never in a circle."""

from keyturn.manifests.references import (
    MAX_SUGGESTIONS,
    find_duplicate_names,
    find_reference_cycles,
    find_unresolved_references,
)
from keyturn.model.address import Address
from keyturn.model.diagnostic import Severity
from keyturn.policy.resource_view import ResourceView
from keyturn.yamldoc.reader import SourceSpan


def subject(kind, name, type_="database", folder="manifests", **references):
    """Return a subject whose references stand at line 5."""
    paths = {
        ("credential",) if key == "credential" else ("config", key): value
        for key, value in references.items()
    }
    return ResourceView(
        address=Address(kind, name),
        type=type_,
        file=f"{folder}/{name}.yaml",
        references={path: Address.parse(value) for path, value in paths.items()},
        spans={
            ("name",): SourceSpan(2, 7),
            ("type",): SourceSpan(3, 7),
            **{path: SourceSpan(5, 3) for path in paths},
        },
    )


def lost(*subjects):
    """Return the findings of references among subjects."""
    known = {each.address: each for each in subjects}
    return list(find_unresolved_references(subjects, known.get, [str(address) for address in known]))


def test_duplicate_names_are_reported():
    """At the second manifest, with the file of the first; a connection may share the name of a credential."""
    both = [
        subject("credential", "x"),
        subject("connection", "x"),
        subject("credential", "x", folder="other"),
    ]
    [finding] = find_duplicate_names(both)
    assert (finding.code, str(finding.origin)) == ("KT142", "other/x.yaml:2:7")
    assert "manifests/x.yaml" in finding.message


def test_a_reference_without_target_is_reported():
    """With the nearest name."""
    [finding] = lost(
        subject("credential", "reader"), subject("connection", "c", "mysql", credential="credential/raeder")
    )
    assert (finding.code, str(finding.origin), finding.severity) == (
        "KT401",
        "manifests/c.yaml:5:3",
        Severity.ERROR,
    )
    assert finding.hint == "did you mean credential/reader?"
    assert finding.address == Address("connection", "c")
    [far] = lost(subject("connection", "c", "mysql", staging="credential/unlike-anything"))
    assert "unlike-anything.yaml" in far.hint


def test_many_references_without_target_have_few_suggestions():
    """All are reported; after the limit, the hint asks for a manifest."""
    lists = [
        subject("connection", f"c{number:02}", "mysql", credential=f"credential/raeder{number}")
        for number in range(MAX_SUGGESTIONS + 5)
    ]
    findings = lost(subject("credential", "reader"), *lists)
    assert len(findings) == MAX_SUGGESTIONS + 5
    assert sum(each.hint.startswith("did you mean") for each in findings) == MAX_SUGGESTIONS


def test_the_credential_type_must_match_the_connector():
    """An error for a documented connector, a warning otherwise."""
    key = subject("credential", "k", "api_key")

    def code(type_):
        findings = lost(key, subject("connection", "c", type_, credential="credential/k"))
        return [(each.code, each.severity) for each in findings]

    assert code("postgres") == [("KT403", Severity.ERROR)]
    assert code("mysql") == [("KT403", Severity.WARNING)]
    assert code("teradata") == code("stripe") == []


def test_a_type_mismatch_has_both_locations():
    """That of the reference and that of the credential."""
    [finding] = lost(
        subject("credential", "k", "oauth"), subject("connection", "c", "postgres", credential="credential/k")
    )
    assert str(finding.origin) == "manifests/c.yaml:5:3"
    assert "manifests/k.yaml:3:7" in finding.hint
    assert "database or aws" in finding.hint


def test_a_staging_credential_may_be_of_any_type():
    """Only the connection's own credential is what its connector logs in with."""
    assert (
        lost(
            subject("credential", "k", "gcp"), subject("connection", "c", "snowflake", staging="credential/k")
        )
        == []
    )


def test_a_cycle_is_reported_once_with_all_locations():
    """The path, and the location of each reference."""
    ring = [
        subject("connection", "a", b="connection/b"),
        subject("connection", "b", c="connection/c"),
        subject("connection", "c", b="connection/b"),
        subject("connection", "d", b="connection/b"),
    ]
    [finding] = find_reference_cycles(ring)
    assert finding.code == "KT402"
    assert "connection/b → connection/c → connection/b" in finding.message
    assert "manifests/b.yaml:5:3, manifests/c.yaml:5:3" in finding.hint


def test_a_reference_to_itself_is_a_cycle():
    """The smallest cycle."""
    [finding] = find_reference_cycles([subject("connection", "a", own="connection/a")])
    assert "connection/a → connection/a" in finding.message


def test_two_references_to_one_target_are_no_cycle():
    """Two paths to one credential."""
    shared = subject("credential", "k")
    users = [subject("connection", name, "mysql", one="credential/k", two="credential/k") for name in "ab"]
    assert list(find_reference_cycles([*users, shared])) == []


def test_a_long_chain_does_not_recurse():
    """A chain of a thousand connections."""
    chain = [subject("connection", f"c{at}", next=f"connection/c{at + 1}") for at in range(3000)]
    [finding] = find_reference_cycles([*chain, subject("connection", "c3000", next="connection/c0")])
    assert finding.code == "KT402"
