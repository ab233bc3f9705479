# SPDX-License-Identifier: Apache-2.0
"""new, build, install, run, keygen, key, pack, check, sign, verify, inspect"""

import argparse
import os
import sys

from . import board, imports, keys, manifest, package, project
from .errors import KappError


def read(path):
    with open(path, "rb") as file:
        return file.read()


def keygen(args):
    print(f"{keys.make(args.key).hex()}  {args.key} (keep it secret), {args.key}.pub")


def key(args):
    public = keys.load(args.key, False)
    print(f"{keys.key_id(public).hex()} {keys.point(public).hex()}")


def pack(args):
    print(project.pack(args.manifest, args.program, args.output, args.key))


def new(args):
    project.new(args.folder)


def build(args):
    project.build_folder(args.folder, args.key, args.unsigned, args.manifest)


def check(args):
    source = project.toml_of(args.manifest)
    for path in args.program:
        imports.check(path, read(path), source)


def package_in(path):
    """A package, or the one that was built in a folder."""
    if not os.path.isdir(path):
        return path
    name = project.toml_of(os.path.join(path, "app.toml")).get("app", {}).get("name", "")
    found = os.path.join(path, "build", f"{name}.kapp")
    if not os.path.exists(found):
        raise KappError(f"{found} is not there: build it first")
    return found


def install(args):
    path = package_in(args.package)
    link = board.connect(args.state, args.port)
    if args.trust is not None:
        board.trust(link, args.trust or project.developer_key() + ".pub")
    board.install(link, path, args.older)


def run(args):
    key = None if args.unsigned else args.key or project.developer_key()
    path, _ = project.build_folder(args.folder, key, args.unsigned, args.manifest)
    board.run(path, args.state, args.port, key and key + ".pub", args.seconds)


def sections_of(path):
    """-> bytes and sections of a package, which is named if it is none"""
    data = read(path)
    try:
        return data, package.read(data)
    except KappError as error:
        raise KappError(f"{path}: {error}") from None


def sign(args):
    data, _ = sections_of(args.package)
    project.write_whole(args.package, keys.sign(data, keys.load(args.key, True)))


def verify(args):
    data, sections = sections_of(args.package)
    manifest.fields_of(sections[0].data)
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
    data, sections = sections_of(args.package)
    print("\n".join(manifest.describe(sections[0].data)))
    for s in sections:
        target = package.TARGET_NAMES.get(s.target, "")
        print(f"{package.TYPE_NAMES[s.kind]:12} {len(s.data):8} bytes {len(s.stored):8} stored  {target}".rstrip())
    kind, signer, _ = package.signature(data)
    print(f"signer       {signer.hex() if kind else 'none'}")


def parse_board(verb):
    verb.add_argument("--state", default=os.environ.get("KRAKEN_STATE", "board"), help="folder of the virtual board (default: %(default)s)")
    verb.add_argument("--port", help="a board at this serial line instead")


def parse_project(verb):
    verb.add_argument("folder", nargs="?", default=".")
    verb.add_argument("--manifest", default="app.toml", help="another file in it (default: app.toml)")
    verb.add_argument("--key", help="sign with this private key (default: your own, made when it is first needed)")
    verb.add_argument("--unsigned", action="store_true")


def parse_people(verbs):
    verb = verbs.add_parser("new", help="begin an app: a folder with a template")
    verb.add_argument("folder")
    parse_project(verbs.add_parser("build", help="compile, check what is imported, pack and sign"))
    verb = verbs.add_parser("install", help="install or update a package on a board")
    verb.add_argument("package", nargs="?", default=".", help="or the folder where it was built")
    parse_board(verb)
    verb.add_argument("--trust", nargs="?", const="", metavar="KEY.pub", help="make the board trust this key first (default: yours)")
    verb.add_argument("--older", action="store_true", help="also in place of a newer version")
    verb = verbs.add_parser("run", help="build, install, start, and follow the log; starts a virtual board if none runs")
    parse_project(verb)
    parse_board(verb)
    verb.add_argument("--seconds", type=float, help="follow the log so long (default: until Ctrl-C)")


def parse():
    parser = argparse.ArgumentParser(prog=os.environ.get("KRAKEN_TOOL", "kapp"))
    verbs = parser.add_subparsers(dest="verb", required=True)
    parse_people(verbs)
    verb = verbs.add_parser("keygen", help="make a key to sign packages with")
    verb.add_argument("key")
    verb = verbs.add_parser("key", help="show a public key as the trust store knows it")
    verb.add_argument("key")
    verb = verbs.add_parser("pack", help="make a package of app.toml and shared objects")
    verb.add_argument("manifest")
    verb.add_argument("program", nargs="*")
    verb.add_argument("-o", "--output", required=True)
    verb.add_argument("--key", help="sign it with this private key")
    verb = verbs.add_parser("check", help="check what shared objects import against app.toml")
    verb.add_argument("manifest")
    verb.add_argument("program", nargs="+")
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
    except KappError as error:
        sys.exit(f"kraken: app {args.verb}: {error}")
    except OSError as error:
        sys.exit(f"kraken: app {args.verb}: {error.filename}: {error.strerror}" if error.filename and error.strerror
                 else f"kraken: app {args.verb}: {error}")


if __name__ == "__main__":
    main()
