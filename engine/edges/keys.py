"""The cluster's key file: one private key with a self-signed certificate, shared by all nodes (D-22).

It plays the part of a pre-shared key: both sides of a connection present it, and each accepts
exactly the certificates in its own file.
"""

from __future__ import annotations

import os
import re
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus

# A wrong clock must not shut a node out of its cluster.
VALID_FROM = datetime(2000, 1, 1, tzinfo=UTC)
VALID_UNTIL = datetime(2199, 1, 1, tzinfo=UTC)
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ClusterKey:
    """What TLS needs; `accepted` are the certificates (DER) that a peer may present."""

    server: ssl.SSLContext
    client: ssl.SSLContext
    accepted: frozenset[bytes]


def new_key() -> bytes:
    """The content of a new key file (PEM: private key, then certificate)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "crmshell cluster key")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(VALID_FROM)
        .not_valid_after(VALID_UNTIL)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


def create_key_file(path: str) -> None:
    """Write a new key file, readable by its owner alone; an existing one is never overwritten."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise EngineError(f"{path}: exists already", status=ExitStatus.EXISTS) from None
    except OSError as problem:
        raise EngineError(f"{path}: {problem.strerror}", status=ExitStatus.CANTCREAT) from None
    with os.fdopen(handle, "wb") as file:
        file.write(new_key())
        file.flush()
        os.fsync(file.fileno())


def load_key_file(path: str) -> ClusterKey:
    """Read and check the key file; raises `EngineError` with path and reason."""
    try:
        entry = os.stat(path)
        mode = entry.st_mode
        with open(path, "rb") as file:
            content = file.read()
        if mode & 0o077:
            raise EngineError(
                f"{path}: others may read the cluster's key, expected mode 0600",
                status=ExitStatus.NOPERM,
            )
        # In a user namespace the system's root has another number: that of the owner of `/`.
        if entry.st_uid not in (0, os.getuid(), os.stat("/").st_uid):
            raise EngineError(
                f"{path}: the cluster's key belongs to uid {entry.st_uid}, expected root",
                status=ExitStatus.NOPERM,
            )
        return _contexts(path, _certificates(content))
    except OSError as problem:
        text = f"{path}: {problem.strerror or 'not a key file'}"
        raise EngineError(text, status=ExitStatus.CONFIG) from None
    except ValueError:
        text = f"{path}: not a key file (expected a private key and a certificate in PEM)"
        raise EngineError(text, status=ExitStatus.CONFIG) from None


def _certificates(content: bytes) -> list[x509.Certificate]:
    """All certificates of a PEM file, in its order; raises ValueError when there is none."""
    blocks = _CERTIFICATE.findall(content)
    if not blocks:
        raise ValueError("no certificate")
    return [x509.load_pem_x509_certificate(block) for block in blocks]


def _contexts(path: str, certificates: list[x509.Certificate]) -> ClusterKey:
    accepted = [item.public_bytes(serialization.Encoding.DER) for item in certificates]
    contexts = []
    for side in (ssl.PROTOCOL_TLS_SERVER, ssl.PROTOCOL_TLS_CLIENT):
        context = ssl.SSLContext(side)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(path)
        for certificate in accepted:
            context.load_verify_locations(cadata=certificate)
        contexts.append(context)
    return ClusterKey(contexts[0], contexts[1], frozenset(accepted))
