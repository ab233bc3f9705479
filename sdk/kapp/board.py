# SPDX-License-Identifier: Apache-2.0
"""What is done with a board: install a package on it, start the app, follow its log."""

import base64
import os
import re
import subprocess
import time
import zlib

from . import keys, link, manifest, package
from .errors import KappError

BOOT_S = 60
TRIES = 5
HAVE = r"(?m)^have (\d+) of (\d+)\s*$"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def connect(state, port):
    if port:
        return link.Serial(port)
    board = link.open_state(state)
    if board is None:
        tool = os.environ.get("KRAKEN_TOOL", "kapp")
        raise KappError(f"no virtual board runs with its state in {state}: \"{tool} run\" starts one; --state names another, "
                        "--port a board at a serial line")
    return board


def have(board, line):
    """Send a line of the upload. -> how much the board has now, or None and what it said instead"""
    lines = board.command(line, HAVE)
    for text in reversed(lines):
        found = re.match(HAVE, text)
        if found:
            return int(found.group(1)), lines
    return None, lines


def upload(board, data):
    got, said = have(board, f"upload {len(data)} {zlib.crc32(data)}")
    if got is None:
        raise KappError("the board refuses the package: " + " / ".join(said))
    size, failures = board.piece // 4 * 3, 0
    while got < len(data):
        piece = data[got:got + size]
        now, said = have(board, f"upload + {got} {base64.b64encode(piece).decode().rstrip('=')}")
        if now == got + len(piece):
            got, failures = now, 0
            continue
        failures += 1  # something was lost on the way: the piece again
        if failures == TRIES:
            raise KappError(f"the transfer stands still at {got} of {len(data)} bytes: " + " / ".join(said))


def trust(board, key):
    """Make the board accept packages signed with this key."""
    public = keys.load(key, False)
    number = keys.key_id(public).hex()[:16]
    if any(line.startswith(number) and "revoked" not in line for line in board.command("trust")):
        return
    said = board.command(f"trust add developer-{number[:4]} {keys.point(public).hex()}")
    if any("ESP_ERR" in line for line in said):
        raise KappError("the key could not be added: " + " / ".join(said))
    print(f"the board trusts {key} now")


def explain(text):
    """What to do about a refusal, where it is not in what the board says."""
    if "ESP_ERR_KAPP_SIGNER_UNKNOWN" in text:
        return "\n  --trust makes it trust your key, once; --trust KEY.pub another one"
    if "ESP_ERR_LOADER_UNRESOLVED_SYMBOL" in text or "ESP_ERR_APP_PERMISSION_DENIED" in text:
        return "\n  its log says which function, and which permission is missing"
    if "goes back" in text:
        return "\n  --older goes back"
    return ""


def install(board, path, older):
    """Install or update. -> the app's name"""
    with open(path, "rb") as file:
        data = file.read()
    name = manifest.fields_of(package.read(data)[0].data)[2].decode()
    began = time.monotonic()
    upload(board, data)
    said = board.command("upload install")
    if any("try update" in line for line in said):
        said = board.command("upload update" + (" older" if older else ""))
    good = [line for line in said if "is installed as" in line or "in place of" in line]
    if not good:
        board.command("upload off")
        text = " / ".join(line for line in said if "Command returned" not in line)
        raise KappError(text + explain(text))
    print(f"{good[-1]} ({len(data)} bytes in {time.monotonic() - began:.1f} s)")
    return name


def start_board(state):
    """-> (the process, a link to it)"""
    program = os.environ.get("KRAKEN_BOARD") or os.path.join(os.environ.get("KRAKEN_SDK", ""), "bin", "kraken-os")
    if not os.access(program, os.X_OK):
        raise KappError(f"{program}: the SDK was installed without the virtual board")
    os.makedirs(state, exist_ok=True)
    output = os.path.join(state, "board.log")
    with open(output, "wb") as file:
        board = subprocess.Popen([program, "--shell", "--state", state], stdin=subprocess.PIPE, stdout=file, stderr=file,
                                 start_new_session=True)  # Ctrl-C is for us: it ends in order
    until = time.monotonic() + BOOT_S
    while time.monotonic() < until:
        found = link.open_state(state)
        if found:
            print(f"started a virtual board; its log is {output}")
            return board, found
        if board.poll() is not None:
            break
        time.sleep(0.05)
    board.kill()
    board.wait()
    raise KappError(f"the virtual board did not come up: see {output}")


def about(line, name):
    """Is this line of the log the app's, or about it?"""
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", COLOUR.sub("", line)) is not None


def follow(board, name, seconds):
    until = time.monotonic() + seconds if seconds else None
    try:
        while until is None or time.monotonic() < until:
            for line in board.log(0.2):
                if about(line, name):
                    print(COLOUR.sub("", line), flush=True)
    except KeyboardInterrupt:
        print()


def run(package_path, state, port, key, seconds):
    """Install on the running board, or on a new one; start; follow the log until Ctrl-C."""
    process, board = None, link.Serial(port) if port else link.open_state(state)
    if board is None:
        process, board = start_board(state)
    try:
        if key and not port:
            trust(board, key)
        name = install(board, package_path, True)
        board.follow()
        said = board.command(f"app start {name}")
        if any("ESP_ERR" in line and "ALREADY_RUNNING" not in line for line in said):
            raise KappError(" / ".join(said))
        print(f"{name} runs; its log until Ctrl-C:", flush=True)
        follow(board, name, seconds)
    finally:
        if process:
            process.stdin.close()
            process.wait()
            print(f"the virtual board has ended; the app stays installed in {state}")
