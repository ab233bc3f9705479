/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/** updater_install.c: images can be taken in from now on. @context main task, once or more */
void updater_install_init(void);
