/* SPDX-License-Identifier: Apache-2.0 */
/* No slot: what is mounted at CONFIG_AUDIO_MEDIA_PATH is the project's business. */
#include "media_card.h"

void media_card_take(void)
{
}

void media_card_give(void)
{
}
