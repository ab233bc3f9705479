# SPDX-License-Identifier: Apache-2.0
"""An authority of one's own, and certificates that it signs: right ones, and such as nobody may accept."""

import datetime
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def named(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def write(path, *parts):
    with open(path, "wb") as file:
        file.write(b"".join(parts))
    return path


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


class Authority:
    def __init__(self, folder, name="authority"):
        self.folder, self.name, self.count = folder, name, 0
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.own = self.sign(self.key.public_key(), named(name), 30, [(x509.BasicConstraints(True, 0), True)])
        self.path = write(os.path.join(folder, f"{name}.pem"), self.own.public_bytes(serialization.Encoding.PEM))

    def sign(self, public, subject, days, extensions):
        now = datetime.datetime.utcnow()
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(named(self.name)).public_key(public)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=60)).not_valid_after(now + datetime.timedelta(days=days))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, hashes.SHA256())

    def certificate(self, address, days=30):
        """-> files of the certificate and of its key, for a server at this address; days < 0: it has expired"""
        self.count += 1
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        signed = self.sign(key.public_key(), named(address), days, [(names, False), (x509.BasicConstraints(False, None), True)])
        path = os.path.join(self.folder, f"{self.name}.{self.count}")
        return (write(path + ".pem", signed.public_bytes(serialization.Encoding.PEM)), write(path + ".key", pem(key)))
