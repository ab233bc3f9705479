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

static bool s_watched;

void host_program_set_watched(bool watched)
{
    s_watched = watched;
}

bool host_program_watched(void)
{
    return s_watched;
}
