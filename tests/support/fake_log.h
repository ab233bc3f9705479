/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/** @file @brief Keeps what a module logs, for unit tests of single modules. */

/** The last lines logged, oldest first; "" = none. */
const char *fake_log_text(void);
void fake_log_clear(void);
