/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/** Apps can be installed from addresses that begin "http://" and "https://", if this firmware has a
 *  network. @context once, before installed apps are looked for */
void install_source_add(void);
