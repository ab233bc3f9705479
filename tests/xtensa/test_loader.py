#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: test_loader.py PROJECT BUILD_DIR OUT

The package reader and the loader on an emulated LX7-generation core: they load an app that was built as a windowed shared object by
Debian's Xtensa compiler, and what it says is what the same source says on the PC.
"""

import os
import subprocess
import sys

import on_xtensa
from on_xtensa import HERE, lx7


def native(shop):
    program = shop.out("native")
    lx7.command(os.environ.get("CC", "gcc"), "-O2", "-o", program, os.path.join(HERE, "native.c"), os.path.join(HERE, "app.c"))
    return subprocess.run([program], capture_output=True, text=True, check=True).stdout


def main():
    shop = on_xtensa.Workshop(os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3]))
    shop.pack(shop.windowed_app("app.c"))
    program = shop.bare_program([(os.path.join(HERE, "loader.c"), shop.includes_of_loader())])
    return on_xtensa.compare(lx7.run(program), native(shop))


sys.exit(main())
