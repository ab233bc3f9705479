/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a partial answer. */
#include "http_range.h"

#include <stdlib.h>
#include <string.h>

/** @return what follows the number; NULL: there is none, which also is what NULL begins with */
static const char *number(const char *text, unsigned long long *out)
{
    char *end = NULL;
    if (text == NULL || *text < '0' || *text > '9') {
        return NULL;
    }
    *out = strtoull(text, &end, 10); /* too large a one is the largest */
    return end;
}

static const char *after(const char *text, char sign)
{
    return text != NULL && *text == sign ? text + 1 : NULL;
}

void http_take_content_range(http_answer_t *answer, const char *value)
{
    static const char unit[] = "bytes ";
    unsigned long long from = 0;
    unsigned long long to = 0;
    unsigned long long total = 0;
    if (strncmp(value, unit, sizeof(unit) - 1) != 0) {
        return;
    }
    const char *rest = number(after(number(value + sizeof(unit) - 1, &from), '-'), &to);
    rest = after(rest, '/');
    if (rest == NULL || from > to || to >= HTTP_UNKNOWN) {
        return;
    }
    (void)number(rest, &total);
    answer->from = (uint32_t)from;
    answer->total = total > to && total < HTTP_UNKNOWN ? (uint32_t)total : HTTP_UNKNOWN;
}
