/* SPDX-License-Identifier: Apache-2.0 */
#include "system_service/service_dependencies.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "esp_attr.h"
#include "esp_log.h"

#include "service_dependencies_internal.h"

static const char *TAG = "dependencies";

typedef struct {
    const char *name;              /* NULL = nobody */
    const char *const *depends_on; /* NULL = nothing */
    slot_set_t needs;              /* those of depends_on that are present */
    uint32_t order;                /* when it moved in */
} node_t;

/* Under the registry lock. */
static EXT_RAM_BSS_ATTR node_t s_nodes[SYSTEM_SLOTS];
static uint32_t s_order;
static EXT_RAM_BSS_ATTR char s_circle[DEPENDENCIES_PATH_MAX];

/* ---- helpers -------------------------------------------------------------------------------- */

/* Take the lowest slot out of a set that is not empty. */
static unsigned take_slot(slot_set_t *set)
{
    const unsigned slot = (unsigned)__builtin_ctzll(*set);

    *set &= *set - 1;
    return slot;
}

static unsigned find(const char *name)
{
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        if (s_nodes[slot].name != NULL && strcmp(s_nodes[slot].name, name) == 0) {
            return slot;
        }
    }
    return SYSTEM_SLOT_NONE;
}

static bool names(const node_t *node, const char *name)
{
    for (const char *const *n = node->depends_on; n != NULL && *n != NULL; n++) {
        if (strcmp(*n, name) == 0) {
            return true;
        }
    }
    return false;
}

static size_t count_names(const char *const *depends_on)
{
    size_t n = 0;

    while (depends_on != NULL && depends_on[n] != NULL && n <= SERVICE_DEPENDENCIES_MAX) {
        n++;
    }
    return n;
}

static slot_set_t needed_by_all(slot_set_t set)
{
    slot_set_t needs = 0;

    while (set != 0) {
        needs |= s_nodes[take_slot(&set)].needs;
    }
    return needs;
}

static slot_set_t neighbours_that_need(slot_set_t set)
{
    slot_set_t found = 0;

    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        if ((s_nodes[slot].needs & set) != 0) {
            found |= SLOT_BIT(slot);
        }
    }
    return found;
}

/* All that can be reached from a slot by following step. */
static slot_set_t reach(unsigned slot, slot_set_t (*step)(slot_set_t))
{
    slot_set_t reached = 0;
    slot_set_t edge = SLOT_BIT(slot);

    while (edge != 0) {
        edge = step(edge) & ~reached;
        reached |= edge;
    }
    return reached & ~SLOT_BIT(slot);
}

/* ---- circles -------------------------------------------------------------------------------- */

static void append(const char *text)
{
    const size_t used = strlen(s_circle);
    const size_t room = sizeof(s_circle) - used;

    if (snprintf(s_circle + used, room, "%s", text) >= (int)room) {
        memcpy(s_circle + sizeof(s_circle) - 4, "...", 4);
    }
}

/* Write the shortest circle through a slot: search breadth first for the way back to it, from the
 * end, so that the steps come out in order. */
static void write_circle(unsigned slot)
{
    uint8_t next[SYSTEM_SLOTS] = {0}; /* where to go from a slot to come to `slot` */
    slot_set_t known = 0;
    slot_set_t edge = SLOT_BIT(slot);

    while (edge != 0 && (known & SLOT_BIT(slot)) == 0) {
        slot_set_t newer = 0;

        while (edge != 0) {
            const unsigned to = take_slot(&edge);
            slot_set_t from = neighbours_that_need(SLOT_BIT(to)) & ~known;

            known |= from;
            newer |= from;
            while (from != 0) {
                next[take_slot(&from)] = (uint8_t)to;
            }
        }
        edge = newer;
    }
    s_circle[0] = '\0';
    append(s_nodes[slot].name);
    for (unsigned at = next[slot];; at = next[at]) {
        append(" -> ");
        append(s_nodes[at].name);
        if (at == slot) {
            return;
        }
    }
}

static bool in_circle(unsigned slot)
{
    const slot_set_t needed = s_nodes[slot].needs | needed_by_all(reach(slot, needed_by_all));

    return (needed & SLOT_BIT(slot)) != 0;
}

/* ---- the graph ------------------------------------------------------------------------------ */

void dependencies_init(void)
{
    memset(s_nodes, 0, sizeof(s_nodes));
    s_order = 0;
    s_circle[0] = '\0';
}

esp_err_t dependencies_attach(unsigned slot, const char *name, const char *const *depends_on)
{
    assert(slot < SYSTEM_SLOTS && s_nodes[slot].name == NULL && name != NULL);
    node_t *node = &s_nodes[slot];

    if (count_names(depends_on) > SERVICE_DEPENDENCIES_MAX) {
        return ESP_ERR_SERVICE_DEPENDENCIES_FULL;
    }
    *node = (node_t){.name = name, .depends_on = depends_on, .order = s_order++};
    for (unsigned other = 0; other < SYSTEM_SLOTS; other++) {
        if (s_nodes[other].name == NULL) {
            continue;
        }
        if (names(node, s_nodes[other].name)) {
            node->needs |= SLOT_BIT(other);
        }
        if (names(&s_nodes[other], name)) {
            s_nodes[other].needs |= SLOT_BIT(slot);
        }
    }
    if (!in_circle(slot)) {
        return ESP_OK;
    }
    write_circle(slot);
    dependencies_reclaim(slot);
    /* The registry lock is held; that a line of log takes its time matters little in boot code
     * that is wrong. */
    ESP_LOGE(TAG, "%s refused: %s", name, s_circle);
    return ESP_ERR_SERVICE_DEPENDENCY_CYCLE;
}

void dependencies_reclaim(unsigned slot)
{
    if (slot >= SYSTEM_SLOTS) {
        return;
    }
    for (unsigned other = 0; other < SYSTEM_SLOTS; other++) {
        s_nodes[other].needs &= ~SLOT_BIT(slot);
    }
    s_nodes[slot] = (node_t){.name = NULL};
}

slot_set_t dependencies_direct(unsigned slot)
{
    return slot < SYSTEM_SLOTS ? s_nodes[slot].needs : 0;
}

slot_set_t dependencies_needed_by(unsigned slot)
{
    return slot < SYSTEM_SLOTS ? reach(slot, needed_by_all) : 0;
}

slot_set_t dependencies_dependants_of(unsigned slot)
{
    return slot < SYSTEM_SLOTS ? reach(slot, neighbours_that_need) : 0;
}

slot_set_t dependencies_all(void)
{
    slot_set_t all = 0;

    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        all |= s_nodes[slot].name != NULL ? SLOT_BIT(slot) : 0;
    }
    return all;
}

const char *dependencies_last_circle(void)
{
    return s_circle;
}

const char *dependencies_first_missing(unsigned slot)
{
    if (slot >= SYSTEM_SLOTS) {
        return NULL;
    }
    for (slot_set_t set = SLOT_BIT(slot) | reach(slot, needed_by_all); set != 0;) {
        const node_t *node = &s_nodes[take_slot(&set)];

        for (const char *const *n = node->depends_on; n != NULL && *n != NULL; n++) {
            if (find(*n) == SYSTEM_SLOT_NONE) {
                return *n;
            }
        }
    }
    return NULL;
}

/* The member of a set that moved in first, of those that need nothing else of the set. There is
 * always one, because there are no circles. What a member needs outside of the set still orders the
 * set: a needs b needs c orders {a, c}. */
static unsigned first_ready(slot_set_t set)
{
    unsigned best = SYSTEM_SLOT_NONE;

    for (slot_set_t rest = set; rest != 0;) {
        const unsigned slot = take_slot(&rest);

        if ((reach(slot, needed_by_all) & set) == 0 &&
            (best == SYSTEM_SLOT_NONE || s_nodes[slot].order < s_nodes[best].order)) {
            best = slot;
        }
    }
    assert(best != SYSTEM_SLOT_NONE);
    return best;
}

static size_t order_all(slot_set_t set, uint8_t out[SYSTEM_SLOTS])
{
    size_t n = 0;

    set &= dependencies_all();
    while (set != 0) {
        const unsigned slot = first_ready(set);

        out[n++] = (uint8_t)slot;
        set &= ~SLOT_BIT(slot);
    }
    return n;
}

static esp_err_t hand_out(const uint8_t *all, size_t n, bool backwards, uint8_t *out, size_t *count)
{
    const size_t room = *count;

    for (size_t i = 0; i < n && i < room; i++) {
        out[i] = all[backwards ? n - 1 - i : i];
    }
    *count = n;
    return n <= room ? ESP_OK : ESP_ERR_INVALID_SIZE;
}

esp_err_t dependencies_start_order(slot_set_t set, uint8_t *out, size_t *count)
{
    uint8_t all[SYSTEM_SLOTS] = {0};

    return hand_out(all, order_all(set, all), false, out, count);
}

esp_err_t dependencies_stop_order(slot_set_t set, uint8_t *out, size_t *count)
{
    uint8_t all[SYSTEM_SLOTS] = {0};

    return hand_out(all, order_all(set, all), true, out, count);
}

/* ---- public API ----------------------------------------------------------------------------- */

esp_err_t dependencies_list(system_service_id_t id, service_dependency_t *out, size_t *count)
{
    unsigned slot;
    size_t found = 0;

    if (count == NULL || (out == NULL && *count > 0)) {
        return ESP_ERR_INVALID_ARG;
    }
    registry_lock();
    const esp_err_t err = service_slot_of(id, &slot);

    if (err == ESP_OK) {
        const char *const *n = s_nodes[slot].depends_on;

        for (; n != NULL && *n != NULL; n++, found++) {
            if (found < *count) {
                snprintf(out[found].name, sizeof(out[found].name), "%s", *n);
                out[found].id = service_slot_id(find(*n));
            }
        }
    }
    registry_unlock();
    if (err != ESP_OK) {
        return err;
    }
    const bool all = found <= *count;

    *count = found;
    return all ? ESP_OK : ESP_ERR_INVALID_SIZE;
}

/* Write the ids of a set in start order. Registry lock held. */
static esp_err_t ids_of(slot_set_t set, system_service_id_t *out, size_t *count)
{
    uint8_t all[SYSTEM_SLOTS] = {0};
    const size_t n = order_all(set, all);
    const size_t room = *count;

    for (size_t i = 0; i < n && i < room; i++) {
        out[i] = service_slot_id(all[i]);
    }
    *count = n;
    return n <= room ? ESP_OK : ESP_ERR_INVALID_SIZE;
}

esp_err_t dependencies_list_dependants(system_service_id_t id, system_service_id_t *out,
                                       size_t *count)
{
    unsigned slot;

    if (count == NULL || (out == NULL && *count > 0)) {
        return ESP_ERR_INVALID_ARG;
    }
    registry_lock();
    esp_err_t err = service_slot_of(id, &slot);

    if (err == ESP_OK) {
        err = ids_of(dependencies_dependants_of(slot), out, count);
    }
    registry_unlock();
    return err;
}

esp_err_t dependencies_get_start_order(system_service_id_t *out, size_t *count)
{
    if (count == NULL || (out == NULL && *count > 0)) {
        return ESP_ERR_INVALID_ARG;
    }
    registry_lock();
    const esp_err_t err = ids_of(dependencies_all(), out, count);

    registry_unlock();
    return err;
}

size_t dependencies_count_missing(void)
{
    size_t missing = 0;

    registry_lock();
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        for (const char *const *n = s_nodes[slot].depends_on; n != NULL && *n != NULL; n++) {
            missing += find(*n) == SYSTEM_SLOT_NONE;
        }
    }
    registry_unlock();
    return missing;
}
