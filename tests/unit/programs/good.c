// SPDX-License-Identifier: Apache-2.0

// A program for the loader: imports, constructors, data that points at itself, and zeroed data.

extern int host_add(int a, int b);
extern void host_note(const char *what);
extern int host_absent(void) __attribute__((weak));

int app_main(int x);
int app_helper(void);

static int s_counter = 5;
static int s_zero[3000];
const char *const app_names[] = {"alpha", "beta"};

__attribute__((constructor(101))) static void first(void)
{
    host_note("first");
    s_counter = host_add(s_counter, 7);
}

__attribute__((constructor(102))) static void second(void)
{
    host_note("second");
}

__attribute__((destructor)) static void last(void)
{
    host_note("last");
}

__attribute__((noinline)) int app_helper(void)
{
    host_note(app_names[1]);
    return host_absent != 0 ? host_absent() : s_zero[2999];
}

int app_main(int x)
{
    s_zero[x] += x;
    return host_add(s_counter, s_zero[x]) + app_helper();
}
