/* SPDX-License-Identifier: Apache-2.0 */
#include "identity_backend.h"

__thread void *identity_backend_of_task;
