/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the chip does while nobody has work for it; the platform knows (port/).
 */

/** Allow light sleep if the configuration does. A PC sleeps by itself. @context main task */
void power_start(void);
