#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: test_events.py PROJECT BUILD_DIR OUT NATIVE

The event core, the package reader and the loader on an emulated LX7-generation core: handlers of an app that comes out of a package
are called by the workers, in the order of priorities, with payloads of tasks and interrupts, through floods. What is said is what
the same sources say on the PC's board, which takes its program out of the same package.
"""

import os
import subprocess
import sys

import on_xtensa
from on_xtensa import HERE, LX7, lx7


def core(shop):
    includes = shop.includes_of_system()
    jobs = [(name, includes) for name in shop.includes if name.startswith("components/system/src/") and name not in lx7.LEFT_OUT]
    return jobs + [(os.path.join(LX7, name), includes) for name in ("kernel.c", "core.c")]


def main():
    shop = on_xtensa.Workshop(os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3]))
    includes = shop.includes_of_system()
    package = shop.pack(shop.windowed_app("events_app.c", includes), shop.native_app("events_app.c", includes))
    both = [*shop.includes_of_loader(), *includes]
    program = shop.bare_program(core(shop) + [(os.path.join(HERE, name), both) for name in ("events.c", "events_story.c")])
    native = subprocess.run([sys.argv[4], package], capture_output=True, text=True, check=False)
    if native.returncode != 0:
        print(f"the PC's board ended with {native.returncode}:\n{native.stdout}{native.stderr}")
        return 1
    return on_xtensa.compare(lx7.run(program), native.stdout)


sys.exit(main())
