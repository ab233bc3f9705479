/* SPDX-License-Identifier: Apache-2.0 */
/* What a command wants of a service that this firmware may lack: by name alone, nothing is linked.
 */
#include <string.h>

#include "shell_internal.h"
#include "system_service/event_bus.h"
#include "system_service/request_response.h"

esp_err_t shell_ask_within(const char *request, const void *data, size_t size, void *answer,
                           size_t *answer_size, uint32_t timeout_ms)
{
    system_event_type_t type;
    const esp_err_t ret = system_event_register_type(request, &type);
    return ret == ESP_OK ? system_request_sync(SYSTEM_SERVICE_ID_NONE, SYSTEM_SERVICE_ID_NONE, type,
                                               data, size, SYSTEM_EVENT_PRIORITY_NORMAL, answer,
                                               answer_size, timeout_ms)
                         : ret;
}

esp_err_t shell_ask(const char *request, const void *data, size_t size, void *answer,
                    size_t *answer_size)
{
    return shell_ask_within(request, data, size, answer, answer_size, 0);
}

esp_err_t shell_tell(const char *event, const void *data, size_t size)
{
    system_event_type_t type;
    const esp_err_t ret = system_event_register_type(event, &type);
    return ret == ESP_OK
               ? system_event_post(shell_id(), type, data, size, SYSTEM_EVENT_PRIORITY_NORMAL)
               : ret;
}

bool shell_choice(const char *word, const char *const names[], unsigned count, uint8_t *out)
{
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(word, names[i]) == 0) {
            *out = (uint8_t)i;
            return true;
        }
    }
    return false;
}
