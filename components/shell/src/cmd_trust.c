/* SPDX-License-Identifier: Apache-2.0 */
/* trust: whose apps may be installed */
#include <stdio.h>
#include <string.h>

#include "esp_attr.h"
#include "kapp/kapp_trust.h"
#include "shell_internal.h"
#include "system_service/error_codes.h"

#define KEY_FILE_MAX 512 /* bytes: a key in PEM is 178 */
#define ID_DIGITS    16  /* of an id that are shown */

/* Commands are executed one at a time. */
static EXT_RAM_BSS_ATTR kapp_key_t s_keys[CONFIG_KAPP_MAX_KEYS];

static int refused(const char *what, esp_err_t ret)
{
    shell_print("%s: %s: %s", what, system_error_to_string(ret), system_error_describe(ret));
    return SHELL_FAILED;
}

static void id_text(const uint8_t id[KAPP_HASH_SIZE], char text[2 * KAPP_HASH_SIZE + 1])
{
    for (size_t i = 0; i < KAPP_HASH_SIZE; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", id[i]);
    }
}

const char *shell_signer(const uint8_t id[KAPP_HASH_SIZE])
{
    static EXT_RAM_BSS_ATTR kapp_key_t s_key;
    static char s_text[2 * KAPP_HASH_SIZE + 1];
    if (kapp_trust_find(id, &s_key) == ESP_OK) {
        return s_key.label;
    }
    id_text(id, s_text);
    s_text[ID_DIGITS] = '\0';
    return s_text;
}

static esp_err_t all_keys(size_t *count)
{
    *count = CONFIG_KAPP_MAX_KEYS;
    return kapp_trust_list(s_keys, count);
}

static int list(void)
{
    size_t count;
    uint8_t id[KAPP_HASH_SIZE];
    char text[2 * KAPP_HASH_SIZE + 1];
    const esp_err_t ret = all_keys(&count);
    if (ret != ESP_OK) {
        return refused("trust", ret);
    }
    if (count == 0) {
        shell_print("nobody is trusted: \"trust add LABEL KEY\"");
    }
    for (size_t i = 0; i < count; i++) {
        if (kapp_key_id(s_keys[i].key, id) == ESP_OK) {
            id_text(id, text);
            shell_print("%.*s  %-15s  %s", ID_DIGITS, text, s_keys[i].label,
                        s_keys[i].revoked ? "revoked" : "trusted");
        }
    }
    return SHELL_OK;
}

/** The one key with this label, or whose id begins so. */
static esp_err_t find(const char *word, uint8_t id[KAPP_HASH_SIZE])
{
    size_t count;
    unsigned found = 0;
    esp_err_t ret = all_keys(&count);
    for (size_t i = 0; ret == ESP_OK && i < count; i++) {
        uint8_t this[KAPP_HASH_SIZE];
        char text[2 * KAPP_HASH_SIZE + 1];
        ret = kapp_key_id(s_keys[i].key, this);
        id_text(this, text);
        if (ret == ESP_OK && (strcmp(word, s_keys[i].label) == 0 ||
                              (strlen(word) >= 4 && strncmp(text, word, strlen(word)) == 0))) {
            memcpy(id, this, sizeof(this));
            found++;
        }
    }
    if (ret == ESP_OK && found > 1) {
        shell_print("%s: several keys are meant: name one by more of its id", word);
        return ESP_ERR_INVALID_ARG;
    }
    return ret == ESP_OK && found == 0 ? ESP_ERR_KAPP_KEY_NOT_FOUND : ret;
}

/** A key from the command line, or from the file that is named there. */
static esp_err_t read_key(const char *word, uint8_t key[KAPP_PUBLIC_KEY_SIZE])
{
    static EXT_RAM_BSS_ATTR char s_text[KEY_FILE_MAX];
    if (kapp_key_parse(word, key) == ESP_OK) {
        return ESP_OK;
    }
    FILE *file = fopen(word, "rb");
    if (file == NULL) {
        return ESP_ERR_NOT_FOUND;
    }
    const size_t got = fread(s_text, 1, sizeof(s_text) - 1, file);
    (void)fclose(file);
    s_text[got] = '\0';
    return kapp_key_parse(s_text, key);
}

static int change_one(const char *word, esp_err_t (*change)(const uint8_t id[KAPP_HASH_SIZE]))
{
    uint8_t id[KAPP_HASH_SIZE];
    esp_err_t ret = find(word, id);
    if (ret == ESP_OK) {
        ret = change(id);
    }
    return ret == ESP_OK ? SHELL_OK : refused(word, ret);
}

static int rotate(char **argv)
{
    uint8_t id[KAPP_HASH_SIZE];
    uint8_t key[KAPP_PUBLIC_KEY_SIZE];
    esp_err_t ret = find(argv[2], id);
    if (ret == ESP_OK) {
        ret = read_key(argv[4], key);
    }
    if (ret == ESP_OK) {
        ret = kapp_trust_rotate(id, argv[3], key);
    }
    return ret == ESP_OK ? SHELL_OK : refused("trust", ret);
}

static int add(char **argv)
{
    uint8_t key[KAPP_PUBLIC_KEY_SIZE];
    esp_err_t ret = read_key(argv[3], key);
    if (ret == ESP_OK) {
        ret = kapp_trust_add(argv[2], key);
    }
    return ret == ESP_OK ? SHELL_OK : refused(argv[2], ret);
}

int cmd_trust(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "list";
    if (argc <= 2 && strcmp(verb, "list") == 0) {
        return list();
    }
    if (argc == 2 && strcmp(verb, "erase") == 0) {
        const esp_err_t ret = kapp_trust_erase();
        return ret == ESP_OK ? SHELL_OK : refused("trust", ret);
    }
    if (argc == 3 && strcmp(verb, "remove") == 0) {
        return change_one(argv[2], kapp_trust_remove);
    }
    if (argc == 3 && strcmp(verb, "revoke") == 0) {
        return change_one(argv[2], kapp_trust_revoke);
    }
    if (argc == 4 && strcmp(verb, "add") == 0) {
        return add(argv);
    }
    return argc == 5 && strcmp(verb, "rotate") == 0 ? rotate(argv) : shell_usage("trust");
}
