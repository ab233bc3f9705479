/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the commands share, grouped by the file that defines it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "esp_err.h"

#include "kapp/kapp_install.h"
#include "shell/shell.h"
#include "system_service/system_types.h"

/* ---- shell_output.c ------------------------------------------------------------------------- */

/** Longest line a command prints in bytes; longer ones are cut. */
#define SHELL_OUTPUT_MAX 191

/** The calling task's lines go to out until shell_output_end(). One task at a time. */
void shell_output_begin(shell_output_t out, void *arg);
void shell_output_end(void);
/** Where the calling task's lines go, to begin with it again after an end.
 *  @return false: to the default, as all others' */
bool shell_output_get(shell_output_t *out, void **arg);
/** Where lines of other tasks (taps) go; NULL = standard output. */
void shell_output_set_default(shell_output_t out, void *arg);
/** Print one line, without a line end in format. @context any task */
void shell_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- shell.c --------------------------------------------------------------------------------- */

/** Execute a line that is split into words already, as ESP-IDF's console does; prints to the
 *  default output. @return as shell_execute() */
int shell_call(int argc, char **argv);
/** Wait, and let others execute commands meanwhile. @context a command that keeps nothing of its
 *  own in static memory over it */
void shell_wait(uint32_t ms);
/** Nothing is being executed, and nothing will be until shell_leave(). @return false: something is
 *  @context any task, which must not stay long */
bool shell_enter(void);
void shell_leave(void);
/** Print the usage of the command being executed. @return SHELL_USAGE */
int shell_usage(const char *name);
/** Print what went wrong with what. @return SHELL_OK for ESP_OK, else SHELL_FAILED */
int shell_result(const char *what, esp_err_t ret);
/** Find a service or app and say so if there is none. */
bool shell_find(const char *name, system_service_id_t *id);
/** Parse a whole decimal number within limits. */
bool shell_number(const char *text, uint32_t min, uint32_t max, uint32_t *out);
/** Every service and app, for the command that is being executed. @param[out] count how many */
const system_service_info_t *shell_owners(size_t *count);
/** The id of the shell's own service while it runs, else SYSTEM_SERVICE_ID_NONE. */
system_service_id_t shell_id(void);

/* ---- shell_request.c ------------------------------------------------------------------------- */

/** Ask a service by the name of a request and wait for its answer, as long as a request may take.
 * @param answer NULL with answer_size NULL: none is wanted  @return as system_request_sync() */
esp_err_t shell_ask(const char *request, const void *data, size_t size, void *answer,
                    size_t *answer_size);
/** The same with a time limit of one's own; 0 = as long as a request may take. */
esp_err_t shell_ask_within(const char *request, const void *data, size_t size, void *answer,
                           size_t *answer_size, uint32_t timeout_ms);
/** Post an event of the shell's own by its name. @return as system_event_post() */
esp_err_t shell_tell(const char *event, const void *data, size_t size);
/** Which of the names a word is. */
bool shell_choice(const char *word, const char *const names[], unsigned count, uint8_t *out);

/* ---- shell_table.c --------------------------------------------------------------------------- */

const shell_command_t *shell_command(const char *name);

/* ---- shell_propose.c ------------------------------------------------------------------------- */

/** A proposal; name is not terminated. */
typedef void (*shell_proposal_t)(const char *name, size_t length, void *arg);

/**
 * Propose what the word before the cursor may become.
 * @context one task at a time
 * @param[in] line not terminated at the cursor
 * @return where the word begins
 */
size_t shell_propose(const char *line, size_t cursor, shell_proposal_t fn, void *arg);

/* ---- cmd_*.c: the commands --------------------------------------------------------------------
 */

int cmd_app(int argc, char **argv);
int cmd_apps(int argc, char **argv);
int cmd_audio(int argc, char **argv);
int cmd_autostart(int argc, char **argv);
int cmd_blackbox(int argc, char **argv);
int cmd_bt(int argc, char **argv);
int cmd_deps(int argc, char **argv);
int cmd_display(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_firmware(int argc, char **argv);
int cmd_handlers(int argc, char **argv);
int cmd_health(int argc, char **argv);
int cmd_heap(int argc, char **argv);
int cmd_help(int argc, char **argv);
int cmd_inject(int argc, char **argv);
int cmd_input(int argc, char **argv);
int cmd_install(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_mqtt(int argc, char **argv);
int cmd_net(int argc, char **argv);
int cmd_pools(int argc, char **argv);
int cmd_ps(int argc, char **argv);
int cmd_quit(int argc, char **argv);
int cmd_quota(int argc, char **argv);
int cmd_reboot(int argc, char **argv);
int cmd_safe(int argc, char **argv);
int cmd_service(int argc, char **argv);
int cmd_services(int argc, char **argv);
int cmd_sleep(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_store(int argc, char **argv);
int cmd_trust(int argc, char **argv);
int cmd_uninstall(int argc, char **argv);
int cmd_update(int argc, char **argv);
int cmd_upload(int argc, char **argv);
int cmd_why(int argc, char **argv);

/** Say how an install or update went. @param what it came from  @return SHELL_OK or SHELL_FAILED */
int shell_installed(const char *what, esp_err_t ret, const app_install_report_t *report);
int shell_updated(const char *what, esp_err_t ret, const app_install_report_t *report);

/** Take in an image of the firmware, and say how that went. @return SHELL_OK or SHELL_FAILED */
int shell_update_firmware(const char *location, bool allow_older);

/** Who signed an app: the label of the key, or the beginning of its id if it is not in the trust
 * store. Good until the next call. */
const char *shell_signer(const uint8_t id[32]);

/** The tap ended with the shell's service. */
void events_tap_forget(void);
