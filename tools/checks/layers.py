#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#: who may include what: the arrows of the architecture, and the private rings
"""Every #include against the table of layers.  usage: layers.py [PROJECT]

  main        apps, services, shell, system, kapp, updater  apps     system (public), a service's events, any include/*_app
  service     system (public); never another service     shell    system, services, kapp, updater (public)
  port/*      its own component, i2c_share; host/ on Linux           system   nothing of ours
  kapp        system (public)                       updater  system, kapp (public)
  host        nothing of ours above it                    tests, bench, sdk templates: not judged
Portable code sees besides the C library and the ESP-IDF interface of the virtual board, no POSIX; an app sees of ESP-IDF what
the app interface offers. private/ is for its own component.
"""

import os
import re
import sys

import project

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.M)

C_LIBRARY = {name + ".h" for name in (
    "assert ctype errno float inttypes limits math setjmp stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib "
    "stdnoreturn string strings time wchar sys/queue sys/types sys/time").split()}
# Of the libraries that stand for components of ESP-IDF (host/components).
LIBRARIES = {"psa/crypto.h"}
# What several services' backends need of one board.
SHARED_BY_PORTS = {"i2c_share"}
# Components of the device alone: nothing of them is portable.
ALL_PORT = {"esp_event_bridge"}
# Of ESP-IDF an app may use what works inside a package that is loaded at run time.
FOR_APPS = {"esp_err.h", "esp_log.h", "esp_check.h", "sdkconfig.h"}


class Owner:
    """Where a file or header stands: its area, its component and whether it is one of the private ring."""

    def __init__(self, name):
        parts = name.split("/")
        self.name = name
        self.area = parts[0]
        self.component = parts[1] if parts[0] in ("components", "apps") and len(parts) > 2 else parts[0]
        if self.area == "components":
            self.area = "service" if self.component.endswith("_service") else self.component
        self.private = "private" in parts[:-1]
        self.public = "include" in parts[:-1]
        self.port = parts[parts.index("port") + 1] if "port" in parts[:-2] else None
        self.events = parts[-1].endswith("_events.h")
        self.for_apps = any(part.endswith("_app") for part in parts[parts.index("include"):-1]) if self.public else False


def index_headers(root):
    """Every ending of every header's path -> owners, so that "a/b.h" and "b.h" are found."""
    index = {}
    for name in project.files(root, ".h"):
        parts = name.split("/")
        for start in range(len(parts)):
            index.setdefault("/".join(parts[start:]), []).append(Owner(name))
    return index


def same_component(user, owner):
    return owner.area == user.area and owner.component == user.component


def refusal(user, owner):
    """None when user may include owner, else why not."""
    if same_component(user, owner):
        if user.public and owner.private:
            return "a public header may not include a private one"
        return None
    if owner.area in ("tests", "bench"):
        return "nothing depends on tests or benches"
    if owner.area == "host":
        return refusal_of_host(user, owner)
    if owner.private or not owner.public:
        return f"that header is private to {owner.component}"
    if user.port and (owner.component in SHARED_BY_PORTS or (user.component in ALL_PORT and owner.component == "system")):
        return None
    if user.port:
        return "a port sees its own component alone"
    allowed = {
        "main": ("apps", "service", "shell", "system", "kapp", "updater"),
        "apps": ("system", "service", "kapp"),
        "service": ("system",),
        "kapp": ("system",),
        "updater": ("system", "kapp"),
        "shell": ("system", "service", "kapp", "updater"),
        "sdk": ("system",),
    }
    if owner.area not in allowed.get(user.area, ()):
        if user.area == owner.area == "service":
            return "a service never includes another service: talk by events"
        return f"{user.area} may not depend on {owner.area}"
    if user.area == "apps" and owner.area in ("service", "kapp") and not (owner.events or owner.for_apps):
        return "an app sees a service's events and what is made for apps, not its calls"
    return None


def refusal_of_host(user, owner):
    if user.port == "linux":
        return None
    if not owner.name.startswith("host/include/"):
        return "only port/linux and tests may look into host/"
    if user.area == "apps" and not user.port and os.path.basename(owner.name) not in FOR_APPS:
        return "an app uses its context and the public headers, not ESP-IDF directly"
    return None


def refusal_of_unknown(user, header):
    """A header that is none of ours."""
    if user.port or user.area in ("host", "sdk"):
        return None
    if header in C_LIBRARY or (header in LIBRARIES and user.area != "apps"):
        return None
    return "neither the C library nor the ESP-IDF interface of the virtual board"


def judge(root, name, index, found):
    user = Owner(name)
    if user.area in ("tests", "bench", "tools", "docs"):
        return
    text = project.read(root, name)
    for match in INCLUDE.finditer(project.without_comments(text, keep_strings=True)):
        header = match.group(1)
        beside = os.path.normpath(os.path.join(os.path.dirname(name), header))
        owners = index.get(header, [])
        if user.area == "host" and any(o.area == "host" for o in owners):
            continue
        if any(o.name == beside for o in owners):
            owners = [o for o in owners if o.name == beside]
        # A header of the C library wins over a file of ours with the same ending.
        if header in C_LIBRARY or header == "sdkconfig.h":
            continue
        reasons = [refusal(user, o) for o in owners] if owners else [refusal_of_unknown(user, header)]
        if all(reasons):
            found.add(name, project.line_of(text, match.start()), f'"{header}": {reasons[0]}')


def main():
    root = project.root_of(sys.argv)
    found = project.Findings("layers")
    index = index_headers(root)
    judged = [n for n in project.files(root, ".c", ".h") if n.split("/")[0] in
              ("main", "apps", "components", "host", "sdk")]
    for name in judged:
        judge(root, name, index, found)
    return found.report(len(judged))


if __name__ == "__main__":
    sys.exit(main())
