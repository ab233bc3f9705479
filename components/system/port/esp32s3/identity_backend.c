/* SPDX-License-Identifier: Apache-2.0 */
/* A pointer in each task's block of thread-local storage, which FreeRTOS lays out and clears. */
#include "identity_backend.h"

__asm__(".section .tbss, \"awT\", @nobits\n"
        "\t.balign 4\n"
        "\t.global identity_backend_slot\n"
        "identity_backend_slot:\n"
        "\t.space 4\n"
        "\t.previous");
