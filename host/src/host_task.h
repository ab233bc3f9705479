// SPDX-License-Identifier: Apache-2.0
#pragma once

/** @return the caller's core, 0 outside the board. @context any */
int host_core_id(void);
