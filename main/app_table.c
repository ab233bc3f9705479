/* SPDX-License-Identifier: Apache-2.0 */
/* The apps that are built into this firmware, in the order in which they are started. */
#include "boot_tables.h"

#include "sdkconfig.h"

#include "goodbye_app.h"
#include "hello_app.h"
#include "launcher_app.h"
#include "music_app.h"

const app_table_entry_t app_table[] = {
    {.manifest = &goodbye_app_manifest, .start_at_boot = true}, /* listens before hello speaks */
    {.manifest = &hello_app_manifest, .start_at_boot = true},
#ifdef CONFIG_DISPLAY_SERVICE
    {.manifest = &launcher_app_manifest, .start_at_boot = true},
#ifdef CONFIG_AUDIO_SERVICE
    {.manifest = &music_app_manifest, .start_at_boot = false},
#endif
#endif
};

const size_t app_table_size = sizeof(app_table) / sizeof(app_table[0]);
