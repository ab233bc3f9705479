// SPDX-License-Identifier: Apache-2.0

// In place of the cases that count instructions, where valgrind's header is not installed.

#include "bench.h"

static void run(const bench_args_t *args)
{
    (void)args;
    bench_figure_text("missing", "not built: valgrind is not installed");
    bench_fail("built without valgrind/callgrind.h");
}

const bench_case_t bench_case_operations = {
    .name = "operations", .help = "not built: valgrind is not installed", .run = run};
const bench_case_t bench_case_scale = {
    .name = "scale", .help = "not built: valgrind is not installed", .run = run};
const bench_case_t bench_case_overhead = {
    .name = "overhead", .help = "not built: valgrind is not installed", .run = run};
