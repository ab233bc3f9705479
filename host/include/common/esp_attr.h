// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sdkconfig.h"

// Placement attributes of the device. A PC has one kind of memory, so most are empty. The no-init
// ones are kept: their variables live in sections of their own that the board carries over an
// esp_restart() and fills with noise at power-on, as the device's RAM would be.

#define ROMFN_ATTR
#define IRAM_ATTR
#define FORCE_IRAM_ATTR __attribute__((noinline))
#define DRAM_ATTR
#define IRAM_DATA_ATTR
#define IRAM_BSS_ATTR
#define WORD_ALIGNED_ATTR     __attribute__((aligned(4)))
#define DMA_ATTR              WORD_ALIGNED_ATTR DRAM_ATTR
#define DRAM_DMA_ALIGNED_ATTR WORD_ALIGNED_ATTR DRAM_ATTR
#define PACKED_ATTR           __attribute__((packed))
#define FORCE_INLINE_ATTR     static inline __attribute__((always_inline))
#define NOINLINE_ATTR         __attribute__((noinline))
#define DRAM_STR(str)         (str)

#define RTC_DATA_ATTR
#define RTC_RODATA_ATTR
#define RTC_SLOW_ATTR
#define RTC_FAST_ATTR
#define RTC_IRAM_ATTR

#define RTC_NOINIT_ATTR     __attribute__((section("host_rtc_noinit")))
#define __NOINIT_ATTR       __attribute__((section("host_noinit")))
#define EXT_RAM_NOINIT_ATTR __NOINIT_ATTR
// Named after .bss, so that it takes no room in the program.
#if defined(CONFIG_SPIRAM_ALLOW_BSS_SEG_EXTERNAL_MEMORY)
#define EXT_RAM_BSS_ATTR __attribute__((section(".bss.ext_ram")))
#else
#define EXT_RAM_BSS_ATTR
#endif

#define COREDUMP_DRAM_ATTR
#define COREDUMP_RTC_DATA_ATTR

#ifdef CONFIG_IDF_CI_BUILD
#define IDF_DEPRECATED(REASON) __attribute__((deprecated(REASON)))
#else
#define IDF_DEPRECATED(REASON)
#endif

#define FLAG_ATTR(TYPE)
