/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The error codes of Kraken-OS, as esp_err_t values in a range of their own.
 *
 * ESP-IDF v5.5 uses 0x101..0xF0FF and -1; ours are SYSTEM_ERR_BASE..SYSTEM_ERR_LAST, above all of
 * them. The numbers are part of the interface to apps: a code keeps its number for ever, a new one
 * takes the next free number of its group.
 *
 * The list below is the only place where a code is written down: the constants, the names and the
 * descriptions are all generated from it.
 */

#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

/** First value of the range. */
#define SYSTEM_ERR_BASE 0x4B000
/** Last value that this range may ever use. */
#define SYSTEM_ERR_LAST (SYSTEM_ERR_BASE + 0xFFF)

/* clang-format off */
/** X(constant, offset from SYSTEM_ERR_BASE, what happened and what to do about it) */
#define SYSTEM_ERROR_LIST(X)                                                                        \
    /* the system as a whole */                                                                     \
    X(ESP_ERR_SYSTEM_NOT_INITIALIZED, 0x001, "the system is not up: call system_service_init() first") \
    X(ESP_ERR_SYSTEM_BAD_KEY,         0x002, "this is not the key that system_service_init() gave out") \
    X(ESP_ERR_SYSTEM_SAFE_MODE,       0x003, "safe mode is on: only critical services may run") \
    X(ESP_ERR_SYSTEM_SEALED,          0x004, "boot is over: this can only be done before the seal") \
    X(ESP_ERR_SYSTEM_DISABLED,        0x005, "this feature is switched off in the configuration") \
    X(ESP_ERR_SYSTEM_WOULD_DEADLOCK,  0x006, "waiting here could never end: call it from another task") \
    X(ESP_ERR_NOT_OWNER,              0x007, "the caller does not own what it asked to change") \
    X(ESP_ERR_SYSTEM_LOCK_LOST,       0x008, "a task that hangs holds a mutex: only a restart frees it") \
    X(ESP_ERR_SYSTEM_NO_TASK_LEFT,    0x009, "code that hangs holds all tasks of a kind: nothing can run") \
    /* services */                                                                                  \
    X(ESP_ERR_SERVICE_NOT_FOUND,          0x100, "no such service or app is registered") \
    X(ESP_ERR_SERVICE_STALE_ID,           0x101, "the owner of this id is gone: look the service up again") \
    X(ESP_ERR_SERVICE_ALREADY_REGISTERED, 0x102, "the name is taken by another service or app") \
    X(ESP_ERR_SERVICE_TABLE_FULL,         0x103, "no free entry: raise \"Max services\" in the configuration") \
    X(ESP_ERR_SERVICE_NAME_TOO_LONG,      0x104, "the name is longer than SYSTEM_NAME_MAX bytes") \
    X(ESP_ERR_SERVICE_NAME_INVALID,       0x105, "names consist of letters, digits, '_', '.' and '-'") \
    X(ESP_ERR_SERVICE_INVALID_TRANSITION, 0x106, "the service cannot go from its present state to that one") \
    X(ESP_ERR_SERVICE_NOT_RESTARTABLE,    0x107, "registered without lifecycle functions: nothing to start it with") \
    X(ESP_ERR_SERVICE_NOT_RUNNING,        0x108, "the service does not run at present") \
    X(ESP_ERR_SERVICE_START_FAILED,       0x109, "init() or start() of the service returned an error") \
    X(ESP_ERR_SERVICE_START_TIMEOUT,      0x10A, "init() or start() did not return in time") \
    X(ESP_ERR_SERVICE_STOP_FAILED,        0x10B, "stop() or deinit() of the service returned an error") \
    X(ESP_ERR_SERVICE_STOP_TIMEOUT,       0x10C, "the service did not stop in time and was set aside") \
    X(ESP_ERR_SERVICE_HANG,               0x10D, "a handler of the service does not return") \
    X(ESP_ERR_SERVICE_CRASHED,            0x10E, "the code of the service failed and was ended") \
    X(ESP_ERR_SERVICE_GIVEN_UP,           0x10F, "too many restarts in the window: start it by hand when the cause is gone") \
    X(ESP_ERR_SERVICE_HAS_DEPENDANTS,     0x110, "a running service needs it: stop that one first") \
    X(ESP_ERR_SERVICE_DEPENDENCY_MISSING, 0x111, "a service it depends on is not registered") \
    X(ESP_ERR_SERVICE_DEPENDENCY_FAILED,  0x112, "a service it depends on did not start") \
    X(ESP_ERR_SERVICE_DEPENDENCY_CYCLE,   0x113, "the dependencies close a circle; the log shows it") \
    X(ESP_ERR_SERVICE_DEPENDENCIES_FULL,  0x114, "no room for another dependency name") \
    /* the event bus */                                                                             \
    X(ESP_ERR_EVENT_TYPE_NOT_FOUND,     0x200, "no event type of this name or number is registered") \
    X(ESP_ERR_EVENT_TYPES_FULL,         0x201, "no free entry: raise \"Max event types\" in the configuration") \
    X(ESP_ERR_EVENT_NAME_TOO_LONG,      0x202, "the event name is longer than SYSTEM_NAME_MAX bytes") \
    X(ESP_ERR_EVENT_NAME_INVALID,       0x203, "event names consist of letters, digits, '_', '.' and '-'") \
    X(ESP_ERR_EVENT_ALREADY_SUBSCRIBED, 0x204, "same subscriber, type, handler and user data as before") \
    X(ESP_ERR_EVENT_NOT_SUBSCRIBED,     0x205, "there is no such subscription, or not any more") \
    X(ESP_ERR_EVENT_SUBSCRIPTIONS_FULL, 0x206, "no free entry: raise \"Max subscriptions\" in the configuration") \
    X(ESP_ERR_EVENT_PATTERN_INVALID,    0x207, "a pattern is a name, or the beginning of one followed by '*'") \
    X(ESP_ERR_EVENT_PATTERNS_FULL,      0x208, "no free entry: raise \"Max patterns\" in the configuration") \
    X(ESP_ERR_EVENT_DATA_TOO_LARGE,     0x209, "the payload does not fit in the largest pool block") \
    X(ESP_ERR_EVENT_NO_MEMORY,          0x20A, "no pool block for the event: nobody got it") \
    X(ESP_ERR_EVENT_QUEUE_FULL,         0x20B, "at least one subscriber had no room: all others got the event") \
    X(ESP_ERR_EVENT_TIMERS_FULL,        0x20C, "no free entry: raise \"Max event timers\" in the configuration") \
    X(ESP_ERR_EVENT_TIMER_NOT_FOUND,    0x20D, "the timer fired for good or never was") \
    X(ESP_ERR_EVENT_DISPLACED,          0x20E, "a newer event took the place of this one") \
    X(ESP_ERR_EVENT_DISCARDED,          0x20F, "the subscriber went before its handler could run") \
    X(ESP_ERR_EVENT_TIMERS_EXCEEDED,    0x210, "the owner has as many event timers as one may have") \
    /* resource quotas */                                                                           \
    X(ESP_ERR_QUOTA_EVENTS_EXCEEDED,    0x300, "the publisher used up its events per second: post less often") \
    X(ESP_ERR_QUOTA_SUBS_EXCEEDED,      0x301, "the owner has as many subscriptions as its quota allows") \
    X(ESP_ERR_QUOTA_DATA_EXCEEDED,      0x302, "the payload is larger than the publisher's quota allows") \
    X(ESP_ERR_QUOTA_MEMORY_EXCEEDED,    0x303, "the owner holds as much memory as its quota allows") \
    X(ESP_ERR_QUOTA_CPU_EXCEEDED,       0x304, "the handlers of the owner used up their share of the CPU") \
    X(ESP_ERR_QUOTA_INVALID,            0x305, "a quota field is out of range") \
    X(ESP_ERR_QUOTA_THROTTLED,          0x306, "the owner violates its quota again and again and is held back") \
    X(ESP_ERR_QUOTA_NOT_PERMITTED,      0x307, "an app may lower its own quota but not raise it") \
    /* watchdog */                                                                                  \
    X(ESP_ERR_WATCHDOG_TIMEOUT,         0x400, "the service gave no sign of life in time") \
    X(ESP_ERR_WATCHDOG_NOT_REGISTERED,  0x401, "the service is not watched: call watchdog_register_service()") \
    X(ESP_ERR_WATCHDOG_INVALID_TIMEOUT, 0x402, "a watchdog timeout is 10..3600000 ms, or 0 for the default") \
    X(ESP_ERR_WATCHDOG_DISABLED,        0x403, "the watchdog is switched off in the configuration") \
    /* memory: pools, accounted allocations, heap */                                                \
    X(ESP_ERR_MEMORY_POOL_EXHAUSTED,    0x500, "no block of this size is free in any pool that may lend") \
    X(ESP_ERR_MEMORY_FOREIGN_POINTER,   0x501, "the pointer was not handed out by this allocator") \
    X(ESP_ERR_MEMORY_DOUBLE_FREE,       0x502, "the block was freed before") \
    X(ESP_ERR_MEMORY_CORRUPTED,         0x503, "something wrote past the end or before the start of the block") \
    X(ESP_ERR_MEMORY_WRONG_PLACE,       0x504, "there is no memory of the kind that was asked for") \
    X(ESP_ERR_HEAP_LOW,                 0x505, "the heap runs low") \
    X(ESP_ERR_HEAP_FRAGMENTED,          0x506, "the heap is fragmented: no large block is left") \
    /* request and response */                                                                      \
    X(ESP_ERR_REQUEST_TIMEOUT,          0x600, "no answer came in time; a late one will be dropped") \
    X(ESP_ERR_REQUEST_CANCELLED,        0x601, "the request was cancelled") \
    X(ESP_ERR_REQUEST_TABLE_FULL,       0x602, "no free entry: raise \"Max requests\" in the configuration") \
    X(ESP_ERR_REQUEST_NOT_FOUND,        0x603, "the request is answered, cancelled, too old, or never was") \
    X(ESP_ERR_REQUEST_NO_HANDLER,       0x604, "nobody serves this request") \
    X(ESP_ERR_REQUEST_DEADLOCK,         0x605, "the answer could never come: the one to answer waits for the caller") \
    X(ESP_ERR_REQUEST_TARGET_GONE,      0x606, "the one to answer stopped before it did") \
    X(ESP_ERR_REQUEST_RESPONSE_TOO_LARGE, 0x607, "the answer does not fit in the caller's buffer") \
    X(ESP_ERR_REQUEST_HANDLER_EXISTS,   0x608, "another one serves this request already") \
    /* apps and their lifecycle */                                                                  \
    X(ESP_ERR_APP_NOT_FOUND,            0x700, "no app of this name is known") \
    X(ESP_ERR_APP_ALREADY_REGISTERED,   0x701, "an app of this name is known already") \
    X(ESP_ERR_APP_TABLE_FULL,           0x702, "no free entry: raise \"Max apps\" in the configuration") \
    X(ESP_ERR_APP_MANIFEST_INVALID,     0x703, "the manifest lacks something or a value is out of range") \
    X(ESP_ERR_APP_ALREADY_RUNNING,      0x704, "the app runs already") \
    X(ESP_ERR_APP_NOT_RUNNING,          0x705, "the app does not run") \
    X(ESP_ERR_APP_NOT_PAUSED,           0x706, "the app is not paused") \
    X(ESP_ERR_APP_START_FAILED,         0x707, "the app could not be started") \
    X(ESP_ERR_APP_STOP_TIMEOUT,         0x708, "the app did not stop when asked and was ended by force") \
    X(ESP_ERR_APP_INVALID_TRANSITION,   0x709, "the app cannot go from its present state to that one") \
    X(ESP_ERR_APP_CONTEXT_INVALID,      0x70A, "the context belongs to another app or to a life that is over") \
    X(ESP_ERR_APP_PERMISSION_DENIED,    0x70B, "the manifest does not ask for this permission") \
    X(ESP_ERR_APP_IN_USE,               0x70C, "the app runs or is referred to: stop it first") \
    X(ESP_ERR_APP_CRASHED,              0x70D, "the code of the app failed and was ended") \
    /* app packages and their loader */                                                             \
    X(ESP_ERR_LOADER_BAD_PACKAGE,       0x800, "the package is damaged or not a package at all") \
    X(ESP_ERR_LOADER_BAD_SIGNATURE,     0x801, "the signature is missing, wrong, or of an unknown key") \
    X(ESP_ERR_LOADER_BAD_ELF,           0x802, "the program file is damaged or breaks a rule of its format") \
    X(ESP_ERR_LOADER_WRONG_TARGET,      0x803, "the program was built for another processor") \
    X(ESP_ERR_LOADER_ABI_MISMATCH,      0x804, "the program was built against another version of the interface") \
    X(ESP_ERR_LOADER_UNRESOLVED_SYMBOL, 0x805, "the program needs a function it may not use or that is not there") \
    X(ESP_ERR_LOADER_BAD_RELOCATION,    0x806, "a relocation of the program is unknown or points outside of it") \
    X(ESP_ERR_LOADER_NO_EXEC_MEMORY,    0x807, "no memory that can hold running code is left") \
    X(ESP_ERR_LOADER_VERSION_OLDER,     0x808, "a newer version is installed: remove it first to go back") \
    X(ESP_ERR_LOADER_STORAGE_FULL,      0x809, "no room for the package in the app storage") \
    /* log control */                                                                               \
    X(ESP_ERR_LOG_TAGS_FULL,            0x900, "no free entry: raise \"Max log tags\" in the configuration") \
    X(ESP_ERR_LOG_TAG_TAKEN,            0x901, "the log tag belongs to another service") \
    /* locks */                                                                                      \
    X(ESP_ERR_LOCK_NOT_FOUND,           0xC00, "there is no such lock, or not any more") \
    X(ESP_ERR_LOCKS_FULL,               0xC01, "no free entry: raise \"Max locks\" in the configuration") \
    X(ESP_ERR_LOCK_NOT_HELD,            0xC02, "the calling task does not hold the lock, or not any more") \
    X(ESP_ERR_LOCK_OWNER_DEAD,          0xC03, "taken, but its last holder was ended: mend what it protects") \
    X(ESP_ERR_LOCK_WAIT_ENDED,          0xC04, "the caller is being stopped: its wait for the lock ended") \
    /* the network */                                                                                \
    X(ESP_ERR_NETWORK_DOWN,             0xD00, "there is no network: see \"net\" in the shell") \
    X(ESP_ERR_NETWORK_SECRET,           0xD01, "the network refused the secret: join it again with the right one") \
    X(ESP_ERR_NETWORK_HOST,             0xD02, "the server cannot be reached, or is not who it should be") \
    X(ESP_ERR_NETWORK_SILENT,           0xD03, "nothing came for too long, or it takes too long altogether") \
    X(ESP_ERR_NETWORK_STATUS,           0xD04, "the server answered that it has no such file, or that it failed") \
    X(ESP_ERR_NETWORK_REDIRECT,         0xD05, "the server sends us in circles, or where we do not go") \
    X(ESP_ERR_NETWORK_TOO_LARGE,        0xD06, "the file is larger than allowed") \
    X(ESP_ERR_NETWORK_TRUNCATED,        0xD07, "the transfer broke off again and again") \
    X(ESP_ERR_NETWORK_PROTOCOL,         0xD08, "what the server answered breaks the rules of its protocol") \
    X(ESP_ERR_NETWORK_CHANGED,          0xD09, "the file was exchanged on the server in the middle: try again") \
    /* updates of the firmware */                                                                   \
    X(ESP_ERR_UPDATE_FORMAT,    0xE00, "this is no signed image of a firmware: ./kraken firmware sign makes one") \
    X(ESP_ERR_UPDATE_OTHER,     0xE01, "the image is for another product") \
    X(ESP_ERR_UPDATE_SAME,      0xE02, "this version runs already") \
    X(ESP_ERR_UPDATE_OLDER,     0xE03, "the image is not newer than what runs: \"older\" takes it all the same") \
    X(ESP_ERR_UPDATE_LENGTH,    0xE04, "fewer or more bytes came than the image has") \
    X(ESP_ERR_UPDATE_DAMAGED,   0xE05, "the image is not the one that was signed") \
    X(ESP_ERR_UPDATE_TOO_LARGE, 0xE06, "the image is larger than a slot") \
    X(ESP_ERR_UPDATE_SIGNER,    0xE07, "the key that signed the image may sign apps, not firmware") \
    X(ESP_ERR_UPDATE_PROBATION, 0xE08, "the running image is not confirmed yet: wait, or confirm it") \
    /* app packages: what exactly is wrong with one, and with its signer */                         \
    X(ESP_ERR_KAPP_NOT_A_PACKAGE,       0xA00, "the file does not begin like an app package") \
    X(ESP_ERR_KAPP_VERSION,             0xA01, "the package has a format version that this system does not know") \
    X(ESP_ERR_KAPP_TRUNCATED,           0xA02, "the package ends too early: transfer it again") \
    X(ESP_ERR_KAPP_TRAILING,            0xA03, "something follows the end of the package") \
    X(ESP_ERR_KAPP_HEADER,              0xA04, "a field of the package header has a value that it may not have") \
    X(ESP_ERR_KAPP_SECTION,             0xA05, "an entry of the section table breaks a rule of the package format") \
    X(ESP_ERR_KAPP_PADDING,             0xA06, "the bytes between two sections of the package are not zero") \
    X(ESP_ERR_KAPP_TOO_LARGE,           0xA07, "the package or a part of it is larger than this system takes") \
    X(ESP_ERR_KAPP_COMPRESSION,         0xA08, "a compressed part of the package does not give what it announces") \
    X(ESP_ERR_KAPP_MANIFEST_DAMAGED,    0xA09, "the manifest of the package cannot be read") \
    X(ESP_ERR_KAPP_MANIFEST_UNKNOWN,    0xA0A, "the manifest has a field that this system does not know: update the system") \
    X(ESP_ERR_KAPP_MANIFEST_MISSING,    0xA0B, "the manifest of the package lacks a field that every app needs") \
    X(ESP_ERR_KAPP_MANIFEST_VALUE,      0xA0C, "a field of the manifest has a value that it may not have") \
    X(ESP_ERR_KAPP_UNSIGNED,            0xA0D, "the package is not signed, and developer mode is off") \
    X(ESP_ERR_KAPP_SIGNATURE_KIND,      0xA0E, "the package is signed in a way that this system does not know") \
    X(ESP_ERR_KAPP_SIGNATURE_WRONG,     0xA0F, "the signature does not fit the package: it was changed after signing") \
    X(ESP_ERR_KAPP_SIGNER_UNKNOWN,      0xA10, "the package is signed with a key that is not in the trust store") \
    X(ESP_ERR_KAPP_SIGNER_REVOKED,      0xA11, "the key that signed the package was revoked") \
    X(ESP_ERR_KAPP_CHANGED,             0xA12, "the package is not the one that was installed: install it again") \
    X(ESP_ERR_KAPP_KEY_INVALID,         0xA13, "this is no public key: a point of the curve P-256, 65 bytes from 0x04 on") \
    X(ESP_ERR_KAPP_KEY_EXISTS,          0xA14, "the trust store has this key already") \
    X(ESP_ERR_KAPP_KEY_NOT_FOUND,       0xA15, "the trust store does not have this key") \
    X(ESP_ERR_KAPP_KEYS_FULL,           0xA16, "no free entry: remove a key, or raise \"Max keys\" in the configuration") \
    X(ESP_ERR_KAPP_KEYS_DAMAGED,        0xA17, "the trust store in NVS cannot be read: nobody is trusted until it is erased") \
    /* installed apps and what they store */                                                        \
    X(ESP_ERR_KAPP_STORE_MISSING,       0xA18, "no app storage: the partition table lacks \"apps\", or it has less than 64 KB") \
    X(ESP_ERR_KAPP_STORE_DAMAGED,       0xA19, "the directory of installed apps cannot be read: nothing is changed until it is erased") \
    X(ESP_ERR_KAPP_STORE_SLOTS,         0xA1A, "no free entry: uninstall an app, or raise \"Max installed apps\" in the configuration") \
    X(ESP_ERR_KAPP_STORE_BUILT_IN,      0xA1B, "the app is part of the firmware: it cannot be uninstalled or replaced") \
    X(ESP_ERR_KAPP_STREAM_SCHEME,       0xA1C, "nothing here can fetch from such an address") \
    X(ESP_ERR_KAPP_DATA_QUOTA,          0xA1D, "the app stores as much as it may: let it delete something") \
    X(ESP_ERR_KAPP_DATA_DAMAGED,        0xA1E, "what the app stored cannot be read any more") \
    X(ESP_ERR_KAPP_NAME_RESERVED,       0xA1F, "a part of the firmware has this name and its events: give the app another one") \
    X(ESP_ERR_KAPP_SIGNER_OTHER,        0xA20, "the app, or the data that it left, is another signer's: uninstall it first, data too") \
    X(ESP_ERR_KAPP_DATA_WEAR,           0xA21, "the app wrote as much to flash as it may in an hour: let it write less often")
/* clang-format on */

#ifdef __cplusplus
/* Constants rather than enumerators: C++ warns where an enumerator and ESP_OK meet in `?:`. */
#define SYSTEM_ERROR_CONSTANT_(name, offset, text)                                                 \
    static constexpr esp_err_t name = SYSTEM_ERR_BASE + (offset);
SYSTEM_ERROR_LIST(SYSTEM_ERROR_CONSTANT_)
#undef SYSTEM_ERROR_CONSTANT_
#else
#define SYSTEM_ERROR_CONSTANT_(name, offset, text) name = SYSTEM_ERR_BASE + (offset),
enum {
    SYSTEM_ERROR_LIST(SYSTEM_ERROR_CONSTANT_)
};
#undef SYSTEM_ERROR_CONSTANT_
#endif

/**
 * @brief The name of an error code, ours or ESP-IDF's, e.g. "ESP_ERR_SERVICE_NOT_FOUND".
 *
 * @context any task, isr-ok  @blocks never
 * @return a string constant, never NULL; for a value that nobody defined, what esp_err_to_name()
 *         says: "ERROR"
 */
const char *system_error_to_string(esp_err_t code);

/**
 * @brief What an error code means, in words that say what can be done about it.
 *
 * @context any task, isr-ok  @blocks never
 * @return a string constant, never NULL; for a code that has no description, its name
 */
const char *system_error_describe(esp_err_t code);

#ifdef __cplusplus
}
#endif
