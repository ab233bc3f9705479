/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/** Take commands at the socket "console" in the folder that keeps the board's state, if it has one.
 *  Why it does not is in the log: the shell works without. @context once */
void shell_remote_open(void);
