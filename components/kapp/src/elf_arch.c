/* SPDX-License-Identifier: Apache-2.0 */
#include "elf_arch.h"

const elf_arch_t *elf_arch_for(kapp_target_t target)
{
    static const elf_arch_t *const all[] = {&elf_arch_xtensa, &elf_arch_x86_64};
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i]->target == target) {
            return all[i];
        }
    }
    return NULL;
}
