#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What internal RAM a board has left with its radios and its screen at work, and with everything at once, by calculation.

usage: firmware_ram.py [BOARD] [--map MAP]      (BOARD: a folder of boards/, by default box3)
       firmware_ram.py --write | --check        the tables in docs/MEMORY.md

--map: static sizes by this linker map instead of those of the qemu board's image. --check fails as well when a board with both radios
and a screen has less than the goal with these at work.
Sources: "idf" ESP-IDF v5.5.5 and which file, "option" a Kconfig option, "image" the linked and emulated qemu board, "link"
box3's own image, linked with ESP-IDF's closed libraries and never run: what it has more than the qemu board's, by archive,
"bound" an upper bound where nobody has published a figure.
"""

import os
import re
import sys

import config_doc

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DOC, DOC_BOARD = "docs/MEMORY.md", "box3"
BEGIN, END = "<!-- firmware_ram.py: begin -->", "<!-- firmware_ram.py: end -->"
GOAL_FREE, GOAL_BLOCK = 60 * 1024, 24 * 1024

SRAM, RTC_FAST, ROM_DATA = 512 * 1024, 8168, 0x3FCF0000 - 0x3FCEEE34
STARTUP_STACK, DRAM_ONLY, POOL_OF_DMA = 0x5724, 0x8000, 32768
BLOCK_OVERHEAD = 1024   # an empty region of 32 KB offers 31,744
IMAGE = {"_iram_start": 0x40374000, "_iram_end": 0x40386400, "_data_start": 0x3FC96400, "_heap_start": 0x3FCB0A10}
# Bytes of code that are in flash by these options, in the same image linked with them.
IMAGE_SAVES = {"FREERTOS_PLACE_FUNCTIONS_INTO_FLASH": 11227, "RINGBUF_PLACE_FUNCTIONS_INTO_FLASH": 1315}
IMAGE_REST = 23508      # 295,947 it starts with, less 138,487 free when up, less its pools, stacks and Ethernet buffers
IMAGE_REST_NVS = 1240   # of that is in PSRAM by NVS_ALLOCATE_CACHE_IN_SPIRAM
# What box3's own image has more than the qemu board's, by the archives that it is of: 54,922 in sum. SPI's part is what devkitc1's has
# less with the options that it sets for it; its map's sum is that of its lines.
LINK_CONTROLLER, LINK_HOST, LINK_WIFI, LINK_LWIP = 21626, 1374, 15063, 3818
LINK_SPI, LINK_DEVICES = 6996, 13681
ALWAYS, BUSY = "always", "busy"   # a row counts with radios and screen at work, or with everything at once only


def fail(text):
    sys.exit(f"firmware_ram: {text}")


def board_names():
    folder = os.path.join(ROOT, "boards")
    return sorted(name for name in os.listdir(folder) if os.path.exists(os.path.join(folder, name, "board.cmake")))


class Board:
    def __init__(self, name):
        folder, known = os.path.join(ROOT, "boards", name), board_names()
        if name not in known:
            fail(f"there is no board '{name}'; there are: {', '.join(known)}")
        self.name, self.given, self.own = name, {}, config_doc.load(ROOT)
        for path in ("sdkconfig.defaults", "sdkconfig.defaults.esp32s3", f"boards/{name}/sdkconfig.defaults"):
            self.own.load_config(os.path.join(ROOT, path), replace=False)
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                self.given.update(re.findall(r"^CONFIG_(\w+)=(.*)$", file.read(), re.M))
        with open(os.path.join(folder, "board.cmake"), encoding="utf-8") as file:
            self.backends = re.search(r"set\(KRAKEN_BACKENDS\s*([^)]*)\)", file.read()).group(1).split()

    def idf(self, name, default):
        """an option of ESP-IDF, by default what v5.5.5 has"""
        if name not in self.given:
            return default
        value = self.given[name]
        return value == "y" if isinstance(default, bool) else int(value, 0)

    def option(self, name):
        """an option of ours"""
        value = self.own.syms[name].str_value
        return value == "y" if value in ("y", "n") else int(value)


def static_rows(board, symbols, source, saves):
    return [("caches: 16 KB of instructions, 32 KB of data", 0xC000, "static", "idf: esp_system/port/soc/esp32s3/Kconfig.cache"),
            ("what the ROM keeps", ROM_DATA, "static", "image: heap_init, between 0x3FCEEE34 and 0x3FCF0000"),
            ("code in internal RAM", symbols["_iram_end"] - symbols["_iram_start"], "static", source),
            *((f"what of that is in flash by {name}", -size, "static", "image: its map when linked so")
              for name, size in saves.items() if board.idf(name, False)),
            ("data, tables and the core's stacks", symbols["_heap_start"] - symbols["_data_start"], "static", source)]


def core_rows(board):
    sizes = [("SMALL", 64), ("MEDIUM", 256)]
    if not board.option("SYSTEM_POOL_LARGE_IN_PSRAM"):
        sizes += [("LARGE", 1024), ("XLARGE", 4096)]
    pools = sum(board.option(f"SYSTEM_POOL_{name}_COUNT") * size for name, size in sizes)
    tasks = (2 * board.idf("FREERTOS_IDLE_TASK_STACKSIZE", 1536) + 2 * board.idf("ESP_IPC_TASK_STACK_SIZE", 1280)
             + board.idf("ESP_TIMER_TASK_STACK_SIZE", 3584) + board.idf("FREERTOS_TIMER_TASK_STACK_DEPTH", 2048)
             + board.idf("LWIP_TCPIP_TASK_STACK_SIZE", 3072) + board.idf("ESP_SYSTEM_EVENT_TASK_STACK_SIZE", 2304))
    workers = sum(board.option(name) for name in ("AUDIO_SERVICE", "DISPLAY_SERVICE", "NETWORK_SERVICE"))
    rest = IMAGE_REST - IMAGE_REST_NVS * board.idf("NVS_ALLOCATE_CACHE_IN_SPIRAM", False)
    return [("event pools: " + ", ".join(str(size) for _, size in sizes) + " bytes", pools, "heap", "option SYSTEM_POOL_*"),
            ("stacks: idle, ipc, esp_timer, timers, TCP/IP, events", tasks, "heap", "idf: Kconfig defaults, performance/ram-usage.rst"),
            ("stack: console", 8192, "heap", "components/shell/port/esp32s3/shell_face.c"),
            (f"stacks: {workers} services' own workers", workers * board.option("SYSTEM_WORKER_STACK"), "heap",
             "option SYSTEM_WORKER_STACK"),
            ("stacks: the launcher", 2 * 6144 * board.option("DISPLAY_SERVICE"), "heap", "apps/launcher/launcher_app.c"),
            ("stacks: one more app of its size", 2 * 6144, "heap", "apps/launcher/launcher_app.c", BUSY),
            ("stack: connection to a broker (MQTT)", board.idf("MQTT_TASK_STACK_SIZE", 6144), "heap", "idf: esp-mqtt's default", BUSY),
            ("control blocks, queues, lwIP, files, settings", rest, "heap", "image: what is in use beside the other lines")]


def screen_and_sound_rows(board):
    rows = []
    if "display_spi" in board.backends:
        side = max(board.option("DISPLAY_WIDTH"), board.option("DISPLAY_HEIGHT"))
        rows = [("display: two strips for DMA", 2 * 2 * side * board.option("DISPLAY_STRIP_ROWS"), "heap", "option DISPLAY_STRIP_ROWS"),
                ("SPI: code in internal RAM", LINK_SPI * board.idf("SPI_MASTER_ISR_IN_IRAM", True), "linked",
                 "link, none without SPI_MASTER_ISR_IN_IRAM"),
                ("launcher, screen, touch, sound, clocks: code and data", LINK_DEVICES, "linked", "link")]
    if "audio_i2s" in board.backends:
        rows.append(("sound: six blocks for DMA", 6 * 240 * 4, "heap", "components/audio_service/port/esp32s3/audio_backend.c"))
    return rows


def radio_rows(board):
    rows = []
    if "net_wifi" in board.backends:
        psram = board.idf("SPIRAM_TRY_ALLOCATE_WIFI_LWIP", False)
        fixed = board.idf("ESP_WIFI_STATIC_RX_BUFFER_NUM", 16 if psram else 10)
        fixed += board.idf("ESP_WIFI_STATIC_TX_BUFFER_NUM", 16) if psram else 0
        moving = 0 if psram else board.idf("ESP_WIFI_DYNAMIC_RX_BUFFER_NUM", 32) + board.idf("ESP_WIFI_DYNAMIC_TX_BUFFER_NUM", 32)
        code = 15 * 1024 * board.idf("ESP_WIFI_IRAM_OPT", True) + 16 * 1024 * board.idf("ESP_WIFI_RX_IRAM_OPT", True)
        rows += [("Wi-Fi: code in internal RAM for speed", code, "linked", "idf: wifi.rst, ESP_WIFI_IRAM_OPT, ESP_WIFI_RX_IRAM_OPT"),
                 ("Wi-Fi, PHY, coexistence: code and data", LINK_WIFI, "linked", "link"),
                 ("lwIP: its tables are in PSRAM", -LINK_LWIP if psram else 0, "linked", "link"),
                 (f"Wi-Fi: {fixed} buffers that stay", fixed * 1638, "heap", "idf: wifi.rst, 1.6 KB each"),
                 (f"Wi-Fi: {moving} buffers at the peak", moving * 1638, "heap",
                  "idf: wifi.rst" + (", in PSRAM by SPIRAM_TRY_ALLOCATE_WIFI_LWIP" if psram else "")),
                 ("Wi-Fi: what it allocates besides, its task", 52 * 1024 - LINK_WIFI, "heap", "bound: by wifi.rst, see below")]
    if "bluetooth_nimble" in board.backends:
        flash_only = board.idf("BT_CTRL_RUN_IN_FLASH_ONLY", False)
        host = 0 if board.idf("BT_NIMBLE_MEM_ALLOC_MODE_EXTERNAL", False) else 12 * 256 + 24 * 320 + 24 * 259 + 38 * 70
        rows += [("BLE controller: code and data", 4096 if flash_only else LINK_CONTROLLER, "linked", "bound" if flash_only else "link"),
                 ("BLE controller: instances", 828 * board.idf("BT_CTRL_BLE_MAX_ACT", 6), "heap", "idf: BT_CTRL_BLE_MAX_ACT, 828 each"),
                 ("BLE controller: everything else", 16 * 1024, "heap", "bound"),
                 ("BLE host: pools", host, "heap", "idf: bt/host/nimble/Kconfig.in" + ("" if host else ", in PSRAM by its MEM_ALLOC_MODE")),
                 ("BLE host: code and data", LINK_HOST, "linked", "link"),
                 ("stacks: BLE controller and host", 3584 + board.idf("BT_NIMBLE_HOST_TASK_STACK_SIZE", 4096), "heap",
                  "idf: esp_task.h, bt/host/nimble/Kconfig.in"),
                 ("stack: an app that comes over Bluetooth", 8192, "heap", "main/install_bluetooth.c", BUSY)]
    return rows


def symbols_of(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            found = re.findall(r"^\s+0x([0-9a-f]+)\s+(_iram_start|_iram_end|_data_start|_heap_start) =", file.read(), re.M)
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    symbols = {name: int(value, 16) for value, name in found}
    if len(symbols) != len(IMAGE):
        fail(f"{path}: this is no map of an ESP32-S3 image: {', '.join(sorted(set(IMAGE) - set(symbols)))} missing")
    return symbols


def rows_of(board, path=None):
    """-> item, bytes, kind, source, when. A map of the board's own image has in it what else is counted as linked, or saved."""
    if path:
        rows = static_rows(board, symbols_of(path), os.path.basename(path), {})
    else:
        rows = static_rows(board, IMAGE, "image: its map", IMAGE_SAVES)
    rows += core_rows(board) + screen_and_sound_rows(board) + radio_rows(board)
    return [(*row, ALWAYS)[:5] for row in rows if not (path and row[2] == "linked")]


def result(rows):
    """-> sum, free, largest block. The heap fills its main region and the start-up stack first, then what is DRAM only, then the pool."""
    total, heap = sum(row[1] for row in rows), sum(row[1] for row in rows if row[2] == "heap")
    main = SRAM - (total - heap) - STARTUP_STACK - DRAM_ONLY - POOL_OF_DMA
    spilt = max(0, heap - main - STARTUP_STACK)
    left = [max(0, DRAM_ONLY - spilt), max(0, POOL_OF_DMA - max(0, spilt - DRAM_ONLY))]
    return total, SRAM + RTC_FAST - total, max(0, max(left) - BLOCK_OVERHEAD)


def columns(rows):
    """-> the rows with radios and screen at work, with everything at once"""
    return [row for row in rows if row[4] == ALWAYS], rows


def verdict(value, goal):
    return f"goal {goal:,}: {'met' if value >= goal else f'{goal - value:,} short'}"


def table(board, rows):
    work, everything = (result(column) for column in columns(rows))
    lines = [f"| `{board.name}` | radios and screen | everything | taken | source |", "|---|---|---|---|---|"]
    lines += [f"| {item} | {format(size, ',') if when == ALWAYS else ''} | {size:,} | {kind} | {source} |"
              for item, size, kind, source, when in rows]
    lines += [f"| **sum** | **{work[0]:,}** | **{everything[0]:,}** | | |",
              f"| of SRAM and RTC fast memory | {SRAM + RTC_FAST:,} | {SRAM + RTC_FAST:,} | | idf: soc.h; image: heap_init |",
              f"| **free** | **{work[1]:,}** | **{everything[1]:,}** | | {verdict(work[1], GOAL_FREE)} |",
              f"| **largest block** | **{work[2]:,}** | **{everything[2]:,}** | | {verdict(work[2], GOAL_BLOCK)} |"]
    return lines


def boards_with_goal():
    boards = [Board(name) for name in board_names()]
    return [board for board in boards if {"net_wifi", "bluetooth_nimble", "display_spi"} <= set(board.backends)]


def summary(boards):
    lines = ["| | radios and screen: free | largest block | everything: free | largest block |", "|---|---|---|---|---|"]
    for board in boards:
        cells = [f"{value:,}" for column in columns(rows_of(board)) for value in result(column)[1:]]
        lines.append(f"| `{board.name}` | {' | '.join(cells)} |")
    return lines


def below_goal(boards):
    """-> one line for each board that has less than the goal with radios and screen at work"""
    lines = []
    for board in boards:
        _, free, block = result(columns(rows_of(board))[0])
        if free < GOAL_FREE or block < GOAL_BLOCK:
            lines.append(f"boards/{board.name}/sdkconfig.defaults:1: by calculation {free:,} bytes of internal RAM are free with radios "
                         f"and screen at work, the largest block is {block:,}; the goal is {GOAL_FREE:,} and {GOAL_BLOCK:,} "
                         f"(tools/firmware_ram.py {board.name})")
    return lines


def document(mode):
    board, boards = Board(DOC_BOARD), boards_with_goal()
    with open(os.path.join(ROOT, DOC), encoding="utf-8") as file:
        text = file.read()
    if BEGIN not in text or END not in text:
        fail(f"{DOC} has no '{BEGIN}' and '{END}'")
    head, rest = text.split(BEGIN, 1)
    new = "\n".join([head + BEGIN, *table(board, rows_of(board)), "", *summary(boards), END + rest.split(END, 1)[1]])
    if mode == "--write":
        with open(os.path.join(ROOT, DOC), "w", encoding="utf-8") as file:
            file.write(new)
        return 0
    if new != text:
        print(f"{DOC}:{head.count(chr(10)) + 1}: not what firmware_ram.py says (./kraken check --generated --fix)")
    below = below_goal(boards)
    print("\n".join(below), end="\n" if below else "")
    return 1 if below or new != text else 0


def main():
    words = sys.argv[1:]
    if words in (["--write"], ["--check"]):
        return document(words[0])
    path = words.pop(words.index("--map") + 1) if "--map" in words[:-1] else None
    words = [word for word in words if word != "--map" or path is None]
    if len(words) > 1 or any(word.startswith("-") for word in words):
        sys.exit(__doc__)
    board = Board(words[0] if words else DOC_BOARD)
    print("\n".join(table(board, rows_of(board, path))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
