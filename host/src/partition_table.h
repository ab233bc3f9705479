// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include "esp_partition.h"

#define PARTITIONS_MAX 95 // what fits the device's table

/** Reads the table anew. @return bytes of flash it needs */
size_t partition_table_load(void);

/** @return the i-th partition, NULL beyond the last */
const esp_partition_t *partition_table_get(size_t i);
