/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/** @file @brief What a room and its guests say to each other. */

#include <stdint.h>

/** The room's name in the system. */
#define CHAT_ROOM "room"
/** Request: a text without a final NUL. Answer: the number of the message, uint32_t. */
#define CHAT_SAY "room.say"
/** Event: a message that somebody said, as it was sent. */
#define CHAT_SAID "room.said"
/** Bytes of a message, 1 to this. */
#define CHAT_TEXT_MAX 80u
