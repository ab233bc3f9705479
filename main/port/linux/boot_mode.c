/* SPDX-License-Identifier: Apache-2.0 */
#include "boot_mode.h"

#include "host_control.h"
#include "host_program.h"

boot_mode_t boot_mode(void)
{
    return host_program_mode() == HOST_PROGRAM_SHELL ? BOOT_SHELL : BOOT_DEMO;
}

bool boot_mode_colour(void)
{
    return host_program_watched();
}

void boot_mode_demo_done(bool ok)
{
    host_exit(ok ? 0 : 1);
}
