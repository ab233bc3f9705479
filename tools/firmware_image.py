#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sign an image of the firmware, and say what a signed one is (docs/OTA.md has the format byte by byte).

usage: firmware_image.py sign IMAGE.bin --key KEY -o OUT.kfw
       firmware_image.py inspect FILE.kfw [--key KEY.pub]
"""

import argparse
import hashlib
import os
import struct
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "sdk"))
sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from kapp import keys
from kapp.errors import KappError

HEAD = struct.Struct("<4sHHII32s32s32s32s")
SIGNATURE = 64
SIZE = HEAD.size + SIGNATURE
MAGIC, FORMAT, IMAGE_MAGIC = b"KFWI", 1, 0xE9
DESCRIPTION, DESCRIPTION_MAGIC = 32, 0xABCD5432


def text(raw, what):
    value = raw.split(b"\0")[0]
    if not value:
        raise KappError(f"the image has no {what}: set it in the project (PROJECT_VER, project())")
    if len(value) >= 32:
        raise KappError(f"the {what} of the image is longer than 31 bytes")
    return value.ljust(32, b"\0")


def describe(image):
    """-> product, version, as the image itself says"""
    if len(image) < DESCRIPTION + 256 or image[0] != IMAGE_MAGIC:
        raise KappError("no image of a firmware: give the .bin of the build, not the merged or the boot loader's one")
    magic, version, product = struct.unpack_from("<I12x32s32s", image, DESCRIPTION)
    if magic != DESCRIPTION_MAGIC:
        raise KappError("the image has no description: is it a boot loader?")
    return text(product, "product"), text(version, "version")


def sign(image, key):
    product, version = describe(image)
    head = HEAD.pack(MAGIC, FORMAT, SIZE, len(image), 0, product, version, hashlib.sha256(image).digest(),
                     keys.key_id(key.public_key()))
    r, s = utils.decode_dss_signature(key.sign(head, ec.ECDSA(hashes.SHA256())))
    return head + r.to_bytes(32, "big") + s.to_bytes(32, "big") + image


def read(data):
    """-> fields of the head; the image is whole"""
    if len(data) < SIZE or data[:4] != MAGIC:
        raise KappError("no signed image")
    fields = HEAD.unpack_from(data)
    if fields[1:3] != (FORMAT, SIZE) or fields[4] != 0:
        raise KappError("a signed image of a kind that is not known here")
    image = data[SIZE:]
    if len(image) != fields[3]:
        raise KappError(f"{len(image)} bytes of an image that has {fields[3]}")
    if hashlib.sha256(image).digest() != fields[7]:
        raise KappError("the image is not the one that was signed")
    if describe(image) != fields[5:7]:
        raise KappError("the image says something else of itself than what was signed")
    return fields


def verify(data, public):
    if data[112:144] != keys.key_id(public):
        raise KappError("signed with another key")
    r, s = (int.from_bytes(data[at:at + 32], "big") for at in (HEAD.size, HEAD.size + 32))
    try:
        public.verify(utils.encode_dss_signature(r, s), data[:HEAD.size], ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise KappError("what the image begins with was changed after it was signed") from None


def inspect(path, key):
    with open(path, "rb") as file:
        data = file.read()
    fields = read(data)
    print(f"product  {fields[5].rstrip(bytes(1)).decode()}\nversion  {fields[6].rstrip(bytes(1)).decode()}")
    print(f"image    {fields[3]} bytes\nsigner   {fields[8].hex()}")
    if key:
        verify(data, keys.load(key, False))
        print(f"signed with {key}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("sign")
    verb.add_argument("image")
    verb.add_argument("--key", required=True)
    verb.add_argument("-o", "--out", required=True)
    verb = verbs.add_parser("inspect")
    verb.add_argument("image")
    verb.add_argument("--key")
    args = parser.parse_args()
    try:
        if args.verb == "inspect":
            inspect(args.image, args.key)
            return 0
        with open(args.image, "rb") as file:
            data = sign(file.read(), keys.load(args.key, True))
        with open(args.out, "wb") as file:
            file.write(data)
        print(f"{args.out}: {len(data)} bytes, version {data[48:80].rstrip(bytes(1)).decode()}")
    except (KappError, OSError) as error:
        print(f"firmware: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
