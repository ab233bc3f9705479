// SPDX-License-Identifier: Apache-2.0

// A program that imports what nobody has.

extern int host_unheard_of(void);
int app_main(void);

int app_main(void)
{
    return host_unheard_of();
}
