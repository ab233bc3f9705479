/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What a server says of the part that it sends; for all backends of HTTP.
 */

#include "http_backend.h"

/** Take in the value of a Content-Range: "bytes 5-9/10", or "*" for the last one; anything else is
 *  as if it was not there.  @context any task  @blocks never */
void http_take_content_range(http_answer_t *answer, const char *value);
