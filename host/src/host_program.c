// SPDX-License-Identifier: Apache-2.0

#include "host_program.h"

static host_program_mode_t s_mode; // written before the board boots

void host_program_set_mode(host_program_mode_t mode)
{
    s_mode = mode;
}

host_program_mode_t host_program_mode(void)
{
    return s_mode;
}
