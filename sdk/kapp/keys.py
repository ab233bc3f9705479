# SPDX-License-Identifier: Apache-2.0
"""Keys and signatures: P-256, as any tool for EC keys makes them (PEM)."""

import hashlib
import os

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from . import package
from .errors import KappError


def make(path):
    """Write a new private key, which nobody else may read, and its public key beside it. -> id"""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(private)
    except FileExistsError:
        raise KappError(f"{path} is there already; a key is never overwritten") from None
    with open(path + ".pub", "wb") as file:
        file.write(key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    return key_id(key.public_key())


def load(path, private):
    with open(path, "rb") as file:
        text = file.read()
    try:
        if private:
            key = serialization.load_pem_private_key(text, password=None)
        else:
            key = serialization.load_pem_public_key(text)
    except (ValueError, TypeError):
        other = "" if private == (b"PRIVATE KEY" in text) else "; it is the private one, of which KEY.pub is the public one" if not private \
            else "; it is the public one"
        raise KappError(f"{path} is no {'private' if private else 'public'} key in PEM{other}") from None
    if not isinstance(getattr(key, "curve", None), ec.SECP256R1):
        raise KappError(f"{path}: packages are signed with keys on P-256, this is another kind")
    return key


def point(public):
    """The 65 bytes by which the system knows a key."""
    return public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def key_id(public):
    return hashlib.sha256(point(public)).digest()


def sign(data, key):
    """-> the same package with a signature"""
    head = package.SIGNATURE.pack(package.ECDSA_P256, package.SIGNATURE_VALUE, key_id(key.public_key()), b"")
    part = data[:-package.SIGNATURE.size] + head[:-package.SIGNATURE_VALUE]
    r, s = utils.decode_dss_signature(key.sign(part, ec.ECDSA(hashes.SHA256())))
    return part + r.to_bytes(32, "big") + s.to_bytes(32, "big")


def verify(data, public):
    _, signer, value = package.signature(data)
    if signer != key_id(public):
        raise KappError("signed with another key")
    der = utils.encode_dss_signature(int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big"))
    try:
        public.verify(der, package.signed_part(data), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise KappError("the package was changed after it was signed") from None
