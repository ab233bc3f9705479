// SPDX-License-Identifier: Apache-2.0
#include "event_system.h"

#include <string.h>

#include "bench.h"

const event_system_t *event_system_find(const char *name)
{
    static const event_system_t *const known[] = {
        &event_system_kraken,
        &event_system_queue,
        &event_system_esp_event,
        &event_system_glib,
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i]->name, name) != 0) {
            continue;
        }
        if (known[i]->post == NULL) {
            bench_figure_text("missing", known[i]->about);
            bench_fail("%s: %s", name, known[i]->about);
        }
        return known[i];
    }
    bench_fail("no event system \"%s\"", name);
}
