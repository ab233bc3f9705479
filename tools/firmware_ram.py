#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What internal RAM a board has left with all of its backends at work, by calculation: item, bytes, source; sum, free, largest block.

usage: firmware_ram.py [BOARD] [--map MAP] [--write | --check]      (BOARD: a folder of boards/, by default box3)

--map: static sizes by this linker map instead of those of the qemu board's image.   --write, --check: the table in docs/MEMORY.md
Sources: "idf" ESP-IDF v5.5.5 and which file, "option" a Kconfig option, "image" the linked and emulated qemu board,
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
IMAGE = {"_iram_start": 0x40374000, "_iram_end": 0x40386400, "_data_start": 0x3FC96400, "_heap_start": 0x3FCB77B8}
IMAGE_REST = 23472      # 267,867 it starts with, less 110,443 free when up, less its pools, stacks and Ethernet buffers


def fail(text):
    sys.exit(f"firmware_ram: {text}")


class Board:
    def __init__(self, name):
        folder = os.path.join(ROOT, "boards", name)
        known = sorted(entry for entry in os.listdir(os.path.dirname(folder))
                       if os.path.exists(os.path.join(ROOT, "boards", entry, "board.cmake")))
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


def static_rows(symbols, source):
    return [("caches: 16 KB of instructions, 32 KB of data", 0xC000, "static", "idf: esp_system/port/soc/esp32s3/Kconfig.cache"),
            ("what the ROM keeps", ROM_DATA, "static", "image: heap_init, between 0x3FCEEE34 and 0x3FCF0000"),
            ("code in internal RAM", symbols["_iram_end"] - symbols["_iram_start"], "static", source),
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
    return [("event pools: " + ", ".join(str(size) for _, size in sizes) + " bytes", pools, "heap", "option SYSTEM_POOL_*"),
            ("stacks: idle, ipc, esp_timer, timers, TCP/IP, events", tasks, "heap", "idf: Kconfig defaults, performance/ram-usage.rst"),
            ("stack: console", 8192, "heap", "components/shell/port/esp32s3/shell_face.c"),
            (f"stacks: {workers} services' own workers", workers * board.option("SYSTEM_WORKER_STACK"), "heap",
             "option SYSTEM_WORKER_STACK"),
            ("stacks: one app of the launcher's size", 2 * 6144, "heap", "apps/launcher/launcher_app.c"),
            ("stack: MQTT", board.idf("MQTT_TASK_STACK_SIZE", 6144), "heap", "idf: esp-mqtt's default"),
            ("control blocks, queues, lwIP, files, settings", IMAGE_REST, "heap", "image: what is in use beside the other lines")]


def screen_and_sound_rows(board):
    rows = []
    if "display_spi" in board.backends:
        side = max(board.option("DISPLAY_WIDTH"), board.option("DISPLAY_HEIGHT"))
        rows = [("display: two strips for DMA", 2 * 2 * side * board.option("DISPLAY_STRIP_ROWS"), "heap", "option DISPLAY_STRIP_ROWS"),
                ("display, touch: drivers and service", 4096, "linked", "bound")]
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
        rows += [("Wi-Fi: code in internal RAM", code, "linked", "idf: wifi.rst, ESP_WIFI_IRAM_OPT, ESP_WIFI_RX_IRAM_OPT"),
                 (f"Wi-Fi: {fixed} buffers that stay", fixed * 1638, "heap", "idf: wifi.rst, 1.6 KB each"),
                 (f"Wi-Fi: {moving} buffers at the peak", moving * 1638, "heap",
                  "idf: wifi.rst" + (", in PSRAM by SPIRAM_TRY_ALLOCATE_WIFI_LWIP" if psram else "")),
                 ("Wi-Fi: driver, PHY, supplicant, task", 52 * 1024, "heap", "bound: by wifi.rst, see below")]
    if "bluetooth_nimble" in board.backends:
        flash_only = board.idf("BT_CTRL_RUN_IN_FLASH_ONLY", False)
        host = 0 if board.idf("BT_NIMBLE_MEM_ALLOC_MODE_EXTERNAL", False) else 12 * 256 + 24 * 320 + 24 * 259 + 38 * 70
        rows += [("BLE controller: code in internal RAM", 4096 if flash_only else 24 * 1024, "linked",
                  "bound: over 20 KB by BT_CTRL_RUN_IN_FLASH_ONLY"),
                 ("BLE controller: instances", 828 * board.idf("BT_CTRL_BLE_MAX_ACT", 6), "heap", "idf: BT_CTRL_BLE_MAX_ACT, 828 each"),
                 ("BLE controller: everything else", 16 * 1024, "heap", "bound"),
                 ("BLE host: pools", host, "heap", "idf: bt/host/nimble/Kconfig.in" + ("" if host else ", in PSRAM by its MEM_ALLOC_MODE")),
                 ("BLE host: static", 8 * 1024, "linked", "bound"),
                 ("stacks: BLE controller and host", 3584 + board.idf("BT_NIMBLE_HOST_TASK_STACK_SIZE", 4096), "heap",
                  "idf: esp_task.h, bt/host/nimble/Kconfig.in")]
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
    """A map of the board's own image has in it what else is counted as linked."""
    rows = static_rows(symbols_of(path) if path else IMAGE, os.path.basename(path) if path else "image: its map")
    rows += core_rows(board) + screen_and_sound_rows(board) + radio_rows(board)
    return [row for row in rows if not (path and row[2] == "linked")]


def result(rows):
    """-> sum, free, largest block. The heap fills its main region and the start-up stack first, then what is DRAM only, then the pool."""
    total, heap = sum(row[1] for row in rows), sum(row[1] for row in rows if row[2] == "heap")
    main = SRAM - (total - heap) - STARTUP_STACK - DRAM_ONLY - POOL_OF_DMA
    spilt = max(0, heap - main - STARTUP_STACK)
    left = [max(0, DRAM_ONLY - spilt), max(0, POOL_OF_DMA - max(0, spilt - DRAM_ONLY))]
    return total, SRAM + RTC_FAST - total, max(0, max(left) - BLOCK_OVERHEAD)


def table(board, rows):
    total, free, block = result(rows)
    lines = [f"| `{board.name}` | bytes | taken | source |", "|---|---|---|---|"]
    lines += [f"| {item} | {size:,} | {kind} | {source} |" for item, size, kind, source in rows]
    lines += [f"| **sum** | **{total:,}** | | |", f"| of SRAM and RTC fast memory | {SRAM + RTC_FAST:,} | | idf: soc.h; image: heap_init |",
              f"| **free** | **{free:,}** | | goal {GOAL_FREE:,}: {'met' if free >= GOAL_FREE else f'{GOAL_FREE - free:,} short'} |",
              f"| **largest block** | **{block:,}** | | goal {GOAL_BLOCK:,}: {'met' if block >= GOAL_BLOCK else 'not met'} |"]
    return lines


def document(mode):
    board = Board(DOC_BOARD)
    with open(os.path.join(ROOT, DOC), encoding="utf-8") as file:
        text = file.read()
    if BEGIN not in text or END not in text:
        fail(f"{DOC} has no '{BEGIN}' and '{END}'")
    head, rest = text.split(BEGIN, 1)
    new = "\n".join([head + BEGIN, *table(board, rows_of(board)), END + rest.split(END, 1)[1]])
    if mode == "--write":
        with open(os.path.join(ROOT, DOC), "w", encoding="utf-8") as file:
            file.write(new)
    elif new != text:
        print(f"{DOC}:{head.count(chr(10)) + 1}: not what firmware_ram.py says (./kraken check --generated --fix)")
        return 1
    return 0


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
