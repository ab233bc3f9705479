# SPDX-License-Identifier: Apache-2.0
"""keygen, key, pack, sign, verify, inspect"""

import argparse
import os
import sys
import tomllib

from . import keys, manifest, package, program
from .errors import KappError


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    """All of it or nothing: a file that is cut short could be taken for a package."""
    partial = path + ".part"
    with open(partial, "wb") as file:
        file.write(data)
    os.replace(partial, path)


def keygen(args):
    print(f"{keys.make(args.key).hex()}  {args.key} (keep it secret), {args.key}.pub")


def key(args):
    public = keys.load(args.key, False)
    print(f"{keys.key_id(public).hex()} {keys.point(public).hex()}")


def pack(args):
    try:
        source = tomllib.loads(read(args.manifest).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KappError(f"{args.manifest}: {error}") from None
    folder = os.path.dirname(args.manifest)
    sections = [package.Section(package.MANIFEST, manifest.encode(source))]
    targets = set()
    for path in args.program:
        target, parts = program.sections_of(read(path))
        if target in targets:
            raise KappError(f"{path}: there is a program for {target} already")
        targets.add(target)
        sections += parts
    if not targets:
        raise KappError("no program: name at least one shared object")
    for path in source.get("assets", {}).values():
        sections.append(package.compressed(package.ASSET, read(os.path.join(folder, path))))
    if "icon" in source.get("app", {}):
        sections.append(package.compressed(package.ICON, read(os.path.join(folder, source["app"]["icon"]))))
    data = package.write(sections)
    if args.key:
        data = keys.sign(data, keys.load(args.key, True))
    write(args.output, data)
    print(f"{args.output}: {len(data)} bytes, {', '.join(sorted(targets))}, {'signed' if args.key else 'not signed'}")


def sign(args):
    data = read(args.package)
    package.read(data)
    write(args.package, keys.sign(data, keys.load(args.key, True)))


def verify(args):
    data = read(args.package)
    manifest.fields_of(package.read(data)[0].data)
    kind, signer, _ = package.signature(data)
    if kind == package.UNSIGNED:
        raise KappError("the package is not signed")
    for path in args.key:
        public = keys.load(path, False)
        if keys.key_id(public) == signer:
            keys.verify(data, public)
            print(f"{args.package}: signed with {path}")
            return
    raise KappError(f"signed with {signer.hex()}, which is none of the keys given")


def inspect(args):
    data = read(args.package)
    sections = package.read(data)
    print("\n".join(manifest.describe(sections[0].data)))
    for s in sections:
        target = package.TARGET_NAMES.get(s.target, "")
        print(f"{package.TYPE_NAMES[s.kind]:12} {len(s.data):8} bytes {len(s.stored):8} stored  {target}".rstrip())
    kind, signer, _ = package.signature(data)
    print(f"signer       {signer.hex() if kind else 'none'}")


def parse():
    parser = argparse.ArgumentParser(prog="kraken app")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("keygen", help="make a key to sign packages with")
    verb.add_argument("key")
    verb = verbs.add_parser("key", help="show a public key as the trust store knows it")
    verb.add_argument("key")
    verb = verbs.add_parser("pack", help="make a package of app.toml and shared objects")
    verb.add_argument("manifest")
    verb.add_argument("program", nargs="*")
    verb.add_argument("-o", "--output", required=True)
    verb.add_argument("--key", help="sign it with this private key")
    verb = verbs.add_parser("sign", help="sign a package")
    verb.add_argument("package")
    verb.add_argument("--key", required=True)
    verb = verbs.add_parser("verify", help="check a package against public keys")
    verb.add_argument("package")
    verb.add_argument("--key", action="append", required=True)
    verb = verbs.add_parser("inspect", help="show what is in a package")
    verb.add_argument("package")
    return parser.parse_args()


def main():
    args = parse()
    try:
        globals()[args.verb](args)
    except (KappError, OSError) as error:
        sys.exit(f"kraken: app {args.verb}: {error}")


if __name__ == "__main__":
    main()
