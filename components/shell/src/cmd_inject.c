/* SPDX-License-Identifier: Apache-2.0 */
/* inject */
#include <string.h>

#include "shell_internal.h"
#include "system_service/fault_injection.h"

int cmd_inject(int argc, char **argv)
{
    system_service_id_t id;
    uint32_t amount = 0;
    int kind = 0;

    if (argc < 3 || argc > 4 ||
        (argc == 4 && !shell_number(argv[3], 1, SYSTEM_FAULT_AMOUNT_MAX, &amount))) {
        return shell_usage("inject");
    }
    while (kind < SYSTEM_FAULTS && strcmp(argv[1], system_fault_name((system_fault_t)kind)) != 0) {
        kind++;
    }
    if (kind == SYSTEM_FAULTS) {
        return shell_usage("inject");
    }
    if (!shell_find(argv[2], &id)) {
        return SHELL_FAILED;
    }
    return shell_result(argv[2], system_fault_inject(id, (system_fault_t)kind, amount));
}
