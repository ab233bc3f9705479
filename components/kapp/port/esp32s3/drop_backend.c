/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device has no folder: its file systems do not survive a power cut, so there is none.
 */
#include "drop_backend.h"

bool drop_backend_next(char path[DROP_PATH_MAX + 1])
{
    path[0] = '\0';
    return false;
}

bool drop_backend_done(const char *path, esp_err_t ret)
{
    (void)path;
    (void)ret;
    return true;
}

uint32_t drop_backend_period_ms(void)
{
    return 0;
}
