"""Files of other tools in the place of a manifest."""

import pytest

from keyturn.files.text import decode_source
from keyturn.model.diagnostic import DiagnosticError


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "git LFS"),
        (b"\0GITCRYPT\0\xff\xfe", "git-crypt"),
        (b"-----BEGIN AGE ENCRYPTED FILE-----\nYQ==\n", "age"),
        (b"age-encryption.org/v1\n-> X25519 x\n\xff", "age"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n3332\n", "Ansible Vault"),
    ],
)
def test_the_format_of_another_tool_is_named(data, name):
    """The message names the tool instead of a syntax error."""
    with pytest.raises(DiagnosticError) as caught:
        decode_source(data, "m.yaml")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "KT116"
    assert name in diagnostic.message
