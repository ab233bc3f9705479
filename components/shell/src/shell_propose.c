/* SPDX-License-Identifier: Apache-2.0 */
/* What a word of a command line may become: for faces that complete words. */
#include <string.h>

#include "esp_attr.h"

#include "shell_internal.h"
#include "system_service/app_manager.h"

typedef struct {
    const char *word;
    size_t length;
    shell_proposal_t fn;
    void *arg;
} proposer_t;

static void propose(const proposer_t *p, const char *name, size_t length)
{
    if (length >= p->length && length <= SYSTEM_NAME_MAX &&
        strncmp(name, p->word, p->length) == 0) {
        p->fn(name, length, p->arg);
    }
}

static void propose_commands(const proposer_t *p)
{
    size_t count;
    const shell_command_t *commands = shell_commands(&count);
    for (size_t i = 0; i < count; i++) {
        propose(p, commands[i].name, strlen(commands[i].name));
    }
}

/** The lower-case words of a command's usage are what one types. */
static void propose_keywords(const proposer_t *p, const char *usage)
{
    static const char lower[] = "abcdefghijklmnopqrstuvwxyz";
    while (*usage != '\0') {
        const size_t length = strspn(usage, lower);
        if (length != 0) {
            propose(p, usage, length);
        }
        usage += length != 0 ? length : 1;
    }
}

static void propose_names(const proposer_t *p)
{
    static EXT_RAM_BSS_ATTR system_service_info_t
        s_owners[CONFIG_SYSTEM_MAX_SERVICES + CONFIG_SYSTEM_MAX_APPS];
    static EXT_RAM_BSS_ATTR app_info_t s_apps[APP_LIST_ROOM];
    size_t count = sizeof(s_owners) / sizeof(s_owners[0]);
    size_t apps = APP_LIST_ROOM;

    if (system_service_list(s_owners, &count) == ESP_OK) {
        for (size_t i = 0; i < count; i++) {
            if (!s_owners[i].is_app) {
                propose(p, s_owners[i].name, strlen(s_owners[i].name));
            }
        }
    }
    if (app_manager_list(s_apps, &apps) == ESP_OK) {
        for (size_t i = 0; i < apps; i++) {
            propose(p, s_apps[i].name, strlen(s_apps[i].name));
        }
    }
}

size_t shell_propose(const char *line, size_t cursor, shell_proposal_t fn, void *arg)
{
    size_t begin = cursor;
    char first[SYSTEM_NAME_MAX + 1] = "";

    while (begin > 0 && line[begin - 1] != ' ') {
        begin--;
    }
    const proposer_t p = {line + begin, cursor - begin, fn, arg};
    if (begin == 0) {
        propose_commands(&p);
        return begin;
    }
    const char *end = memchr(line, ' ', begin);
    const size_t length = (size_t)(end - line); /* there is one: the word begins after it */
    if (length < sizeof(first)) {
        memcpy(first, line, length);
    }
    const shell_command_t *command = shell_command(first);
    propose_keywords(&p, command != NULL ? command->arguments : "");
    propose_names(&p);
    return begin;
}
