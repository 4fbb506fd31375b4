"""Reveal: the places that may look into a secret, each counted."""

import ast
from collections import Counter

from sources import list_modules

REVEALS = {
    "keyturn.client.request_body:_to_json_value": 1,  # into the body of a request
    "keyturn.client.request_body:encode_bearer_token": 1,  # into the Authorization header
    "keyturn.manifests.writer:ManifestWriter._append_secrets": 1,  # into sops, by its standard input
    "keyturn.manifests.writer:_encode_json": 1,  # the same
    "keyturn.policy.rules.secret_rules:_reveal_all": 1,  # expiry and strength of decrypted secrets
    "keyturn.project.keys:decrypt_stored_key": 1,  # the key that fingerprints and signatures are made with
}
"""How often each function reveals. A new line here is a decision about security: say why in the review."""


WAYS = {"reveal", "_open", "_open_mac"}


def revealing(tree, outer=""):
    """Yield the qualified name of the function around each mention of `reveal`."""
    for node in ast.iter_child_nodes(tree):
        named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        name = f"{outer}.{node.name}".lstrip(".") if named else outer
        if isinstance(node, ast.Attribute) and node.attr in WAYS and ast.unparse(node.value) != "self":
            yield name
        if isinstance(node, ast.Constant) and node.value == "reveal":
            yield name
        yield from revealing(node, name)


def test_reveals_are_counted():
    """A secret is revealed where the table says, and nowhere else."""
    found = Counter(
        f"{module.name}:{name}"
        for module in list_modules()
        if module.name != "keyturn.model.secret"
        for name in revealing(module.tree)
    )
    assert dict(sorted(found.items())) == REVEALS


def test_few_modules_reveal():
    """Four modules reveal: request bodies, writer, fingerprint key and secret rules."""
    assert {place.split(":")[0] for place in REVEALS} == {
        "keyturn.client.request_body",
        "keyturn.manifests.writer",
        "keyturn.policy.rules.secret_rules",
        "keyturn.project.keys",
    }


def test_the_count_sees_every_way():
    """A call, a method passed on, a look at the closure and a name in text are all counted."""
    source = "class A:\n def f(s):\n  s.reveal()\ndef g(s):\n h(s.reveal)\n s._open()\n getattr(s, 'reveal')"
    assert Counter(revealing(ast.parse(source))) == {"A.f": 1, "g": 3}
