// SPDX-License-Identifier: Apache-2.0

#include "host_program.h"

// Written before the board boots.
static host_program_mode_t s_mode;
static host_program_picture_t s_picture;

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

void host_program_set_picture(const host_program_picture_t *picture)
{
    s_picture = *picture;
}

const host_program_picture_t *host_program_picture(void)
{
    return &s_picture;
}
