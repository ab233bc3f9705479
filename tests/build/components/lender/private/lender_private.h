// SPDX-License-Identifier: Apache-2.0
#pragma once

#define LENDER_SECRET 42
