/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The memory card under CONFIG_AUDIO_MEDIA_PATH, if the board links one (card_sdmmc). Between the
 * two calls it is neither mounted nor unmounted; a task that is between them is not ended.
 */

/** @context any task @blocks while the card is looked for, the first time a second or two */
void media_card_take(void);
void media_card_give(void);
