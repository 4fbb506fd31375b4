"""Keys and certificates made for tests: small, quick, and never the same twice."""

import base64
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

_NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])


@dataclass(frozen=True, slots=True)
class CertificatePair:
    """A private key and the certificate issued for it."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        """The certificate as PEM."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def private(self, passphrase: str = "", form: PrivateFormat = PrivateFormat.PKCS8) -> str:
        """Return the key as PEM, encrypted when there is a passphrase."""
        return self.key.private_bytes(Encoding.PEM, form, _locked(passphrase)).decode()

    def pfx(self, password: str = "", *, bare: bool = False) -> str:
        """Return both as a PKCS #12 file in base64; ``bare`` leaves the key out."""
        key = None if bare else self.key
        data = pkcs12.serialize_key_and_certificates(b"x", key, self.certificate, None, _locked(password))
        return base64.b64encode(data).decode()


def make_certificate(last: date = date(2030, 1, 1)) -> CertificatePair:
    """Return a new key with a certificate whose last day is ``last``."""
    key = ec.generate_private_key(ec.SECP256R1())
    end = datetime(last.year, last.month, last.day, 12, tzinfo=UTC)
    builder = (
        x509.CertificateBuilder(_NAME, _NAME, key.public_key(), x509.random_serial_number())
        .not_valid_before(end - timedelta(365))
        .not_valid_after(end)
    )
    return CertificatePair(key, builder.sign(key, SHA256()))


def _locked(passphrase: str) -> KeySerializationEncryption:
    return BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
