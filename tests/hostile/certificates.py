"""An authority made for the tests, and the certificates of hosts that are right, wrong, old or nobody's."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Authority:
    """Signs certificates, all of one key; :attr:`pem` is what whoever trusts it loads."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = self._sign("authority of a test", [], authority=True)
        self.pem = self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def server(
        self, folder: Path, names: Sequence[str], *, common_name: str = "x", expired: bool = False
    ) -> ssl.SSLContext:
        """A server's side of TLS with a certificate for ``names``; ``folder`` keeps it for the moment."""
        certificate = self._sign(common_name, names, expired=expired)
        path = folder / "chain.pem"
        key = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(key + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _sign(
        self, name: str, names: Sequence[str], *, authority: bool = False, expired: bool = False
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        issuer = _named(name) if authority else self._certificate.subject
        public = self._key.public_key()
        made = (
            x509.CertificateBuilder(issuer, _named(name), public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 9 * DAY)
            .not_valid_after(now - DAY if expired else now + DAY)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        )
        if authority:
            usage = dict.fromkeys(
                ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
                 "key_agreement", "encipher_only", "decipher_only"), False
            )  # fmt: skip
            made = made.add_extension(
                x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True
            )
        if names:
            made = made.add_extension(x509.SubjectAlternativeName(map(_alternative, names)), critical=False)
        return made.sign(self._key, hashes.SHA256())
