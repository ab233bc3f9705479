// SPDX-License-Identifier: Apache-2.0

// What the app says on the PC, linked by the PC's own linker.

#include <stdint.h>
#include <stdio.h>

void host_note(const char *what, uint32_t value);
uint32_t host_call_back(uint32_t (*function)(uint32_t), uint32_t value);
uint32_t app_main(uint32_t seed);

void host_note(const char *what, uint32_t value)
{
    printf("%s %u\n", what, (unsigned)value);
}

uint32_t host_call_back(uint32_t (*function)(uint32_t), uint32_t value)
{
    return function(value) + 1;
}

int main(void)
{
    printf("result %u\n", (unsigned)app_main(4711));
    return 0;
}
