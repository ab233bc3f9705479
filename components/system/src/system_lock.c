/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks whose holders may die. A holder is known by its identity, which belongs to one task; so
 * whoever ends a task says that its identity is gone, and the lock is passed on.
 *
 * s_lock (a leaf) protects both tables. A lock is handed over: the one who gives it makes the first
 * of those who wait the holder, then wakes it, so nobody slips in between. A task changes the
 * priority of nobody but itself.
 *
 * Long, and one file: who holds a lock and who waits for it change together, in every function.
 */
#include "system_service/system_lock.h"

#include <string.h>

#include "esp_attr.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"

#include "service_record.h"
#include "system_lock_internal.h"

#ifdef CONFIG_SYSTEM_LOCKS

static const char *TAG = "system_lock";

typedef struct {
    char name[SYSTEM_NAME_MAX + 1];
    uint32_t generation; /* with the place: the id */
    bool used;
    bool lost;
    bool mend;
    bool gone;     /* with its owner: the place is free when the holder gives it */
    uint8_t owner; /* slot */
    uint8_t ceiling;
    uint8_t base;              /* priority of the holder without any lock */
    uint8_t slot;              /* of the holder */
    system_identity_t *holder; /* NULL: free */
    uint32_t taken, waited, deaths;
} lock_t;

enum {
    WAIT_FREE = 0, /* the place */
    WAIT_WAITS,
    WAIT_GRANTED,
    WAIT_REFUSED, /* with the error in result */
};

typedef struct {
    StaticSemaphore_t storage;
    SemaphoreHandle_t semaphore;
    uint8_t state;
    uint8_t lock; /* its place */
    uint8_t slot;
    uint8_t base; /* priority without any lock */
    uint32_t turn;
    esp_err_t result;
    system_identity_t *identity;
} waiter_t;

#define LOCKS   CONFIG_SYSTEM_MAX_LOCKS
#define WAITERS CONFIG_SYSTEM_MAX_LOCK_WAITERS

static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED;
static EXT_RAM_BSS_ATTR lock_t s_locks[LOCKS];
static EXT_RAM_BSS_ATTR waiter_t s_waiters[WAITERS];
static uint32_t s_turn;

/* A critical section wakes several at most: all that wait. */
typedef uint32_t waiter_set_t;
_Static_assert(WAITERS <= 32, "those to be woken are one word of bits");

void system_locks_init(void)
{
    for (unsigned i = 0; i < LOCKS; i++) {
        const uint32_t generation = s_locks[i].generation; /* an id of before stays dead */
        memset(&s_locks[i], 0, sizeof(s_locks[i]));
        s_locks[i].generation = generation;
    }
    for (unsigned i = 0; i < WAITERS; i++) {
        s_waiters[i].state = WAIT_FREE;
        if (s_waiters[i].semaphore == NULL) {
            s_waiters[i].semaphore = xSemaphoreCreateBinaryStatic(&s_waiters[i].storage);
        }
    }
}

/* ---- helpers; s_lock held -------------------------------------------------------------------- */

static lock_t *find_locked(system_lock_t id)
{
    const unsigned place = id & 0xFFu;
    return place < LOCKS && s_locks[place].used && s_locks[place].generation == id >> 8
               ? &s_locks[place]
               : NULL;
}

static lock_t *find_name_locked(const char *name)
{
    for (unsigned i = 0; i < LOCKS; i++) {
        if (s_locks[i].used && !s_locks[i].gone && strcmp(s_locks[i].name, name) == 0) {
            return &s_locks[i];
        }
    }
    return NULL;
}

static system_lock_t id_of(const lock_t *lock)
{
    return lock->generation << 8 | (uint32_t)(lock - s_locks);
}

static void grant_locked(lock_t *lock, system_identity_t *identity, uint8_t slot, uint8_t base)
{
    lock->holder = identity;
    lock->slot = slot;
    lock->base = base;
    lock->lost = false;
    lock->taken++;
    atomic_fetch_add_explicit(&identity->locks, 1, memory_order_relaxed);
}

static void drop_locked(lock_t *lock)
{
    atomic_fetch_sub_explicit(&lock->holder->locks, 1, memory_order_relaxed);
    lock->holder = NULL;
}

/** The one that waits for a lock, was served least of all, and is the most urgent. */
static waiter_t *first_locked(const lock_t *lock)
{
    waiter_t *first = NULL;
    for (unsigned i = 0; i < WAITERS; i++) {
        waiter_t *w = &s_waiters[i];
        if (w->state == WAIT_WAITS && &s_locks[w->lock] == lock &&
            (first == NULL || w->base > first->base ||
             (w->base == first->base && (int32_t)(w->turn - first->turn) < 0))) {
            first = w;
        }
    }
    return first;
}

/** Nobody holds it any more: pass it on. @return who is to be woken */
static waiter_set_t pass_on_locked(lock_t *lock)
{
    waiter_t *next = first_locked(lock);
    drop_locked(lock);
    lock->lost = false;
    lock->used = !lock->gone;
    if (next == NULL) {
        return 0;
    }
    grant_locked(lock, next->identity, next->slot, next->base);
    next->state = WAIT_GRANTED;
    next->result = lock->mend ? ESP_ERR_LOCK_OWNER_DEAD : ESP_OK;
    return 1u << (next - s_waiters);
}

/** Those that wait for a lock, or with NULL: that wait in the name of slot, do so no more. */
static waiter_set_t refuse_locked(const lock_t *lock, unsigned slot, esp_err_t why)
{
    waiter_set_t set = 0;
    for (unsigned i = 0; i < WAITERS; i++) {
        waiter_t *w = &s_waiters[i];
        if (w->state == WAIT_WAITS &&
            (lock != NULL ? &s_locks[w->lock] == lock : w->slot == slot)) {
            w->state = WAIT_REFUSED;
            w->result = why;
            set |= 1u << i;
        }
    }
    return set;
}

static void wake(waiter_set_t set)
{
    for (; set != 0; set &= set - 1) {
        (void)xSemaphoreGive(s_waiters[__builtin_ctz(set)].semaphore); /* may be given: as good */
    }
}

/** The lock that this identity waits for, or NULL. */
static const lock_t *awaited_locked(const system_identity_t *identity)
{
    for (unsigned i = 0; i < WAITERS; i++) {
        if (s_waiters[i].state == WAIT_WAITS && s_waiters[i].identity == identity) {
            return &s_locks[s_waiters[i].lock];
        }
    }
    return NULL;
}

/** The holder waits, through however many others, for something that identity holds. */
static bool closes_circle_locked(const lock_t *lock, const system_identity_t *identity)
{
    for (unsigned i = 0; i <= LOCKS && lock != NULL && lock->holder != NULL; i++) {
        if (lock->holder == identity) {
            return true;
        }
        lock = awaited_locked(lock->holder);
    }
    return false;
}

/* ---- priorities: the calling task's own ------------------------------------------------------ */

/** Highest ceiling of what it holds, at least base. */
static uint8_t due_priority_locked(const system_identity_t *identity, uint8_t base)
{
    uint8_t due = base;
    for (unsigned i = 0; i < LOCKS; i++) {
        if (s_locks[i].used && s_locks[i].holder == identity && s_locks[i].ceiling > due) {
            due = s_locks[i].ceiling;
        }
    }
    return due;
}

/** Its priority without any lock. */
static uint8_t base_priority_locked(const system_identity_t *identity)
{
    for (unsigned i = 0; i < LOCKS; i++) {
        if (s_locks[i].used && s_locks[i].holder == identity) {
            return s_locks[i].base;
        }
    }
    return (uint8_t)uxTaskPriorityGet(NULL);
}

/** Go down from a ceiling, unless somebody else has changed the priority meanwhile. */
static void lower(const system_identity_t *identity, uint8_t from, uint8_t base)
{
    portENTER_CRITICAL(&s_lock);
    const uint8_t to = due_priority_locked(identity, base);
    portEXIT_CRITICAL(&s_lock);
    const bool raised =
        identity->is_worker && atomic_load(&((const event_worker_t *)identity)->raised);
    if (to < from && !raised && uxTaskPriorityGet(NULL) == from) {
        vTaskPrioritySet(NULL, to);
    }
}

/* ---- taking and giving ----------------------------------------------------------------------- */

/** Take it if it is free. @return ESP_ERR_TIMEOUT it is not, and waiting is allowed */
static esp_err_t try_locked(lock_t *lock, system_identity_t *identity, unsigned slot, uint8_t base)
{
    if (lock->gone) {
        return ESP_ERR_LOCK_NOT_FOUND;
    }
    if (lock->holder == NULL) {
        grant_locked(lock, identity, (uint8_t)slot, base);
        return lock->mend ? ESP_ERR_LOCK_OWNER_DEAD : ESP_OK;
    }
    if (lock->lost) {
        return ESP_ERR_SYSTEM_LOCK_LOST;
    }
    return closes_circle_locked(lock, identity) ? ESP_ERR_SYSTEM_WOULD_DEADLOCK : ESP_ERR_TIMEOUT;
}

static waiter_t *begin_wait_locked(lock_t *lock, system_identity_t *identity, unsigned slot,
                                   uint8_t base)
{
    for (unsigned i = 0; i < WAITERS; i++) {
        waiter_t *w = &s_waiters[i];
        if (w->state == WAIT_FREE) {
            w->state = WAIT_WAITS;
            w->lock = (uint8_t)(lock - s_locks);
            w->slot = (uint8_t)slot;
            w->base = base;
            w->turn = s_turn++;
            w->identity = identity;
            lock->waited++;
            return w;
        }
    }
    return NULL;
}

/** Sleep until it is granted or refused, or the time is up. Its place is free again on return. */
static esp_err_t wait(waiter_t *waiter, uint32_t timeout_ms)
{
    const TickType_t start = xTaskGetTickCount();
    const uint64_t ticks = ((uint64_t)timeout_ms * configTICK_RATE_HZ + 999) / 1000;
    const TickType_t limit = timeout_ms == SYSTEM_LOCK_WAIT_FOREVER || ticks >= portMAX_DELAY
                                 ? portMAX_DELAY
                                 : (TickType_t)ticks;
    for (;;) {
        const TickType_t waited = xTaskGetTickCount() - start;
        const bool over = limit != portMAX_DELAY && waited >= limit;
        portENTER_CRITICAL(&s_lock);
        const uint8_t state = waiter->state;
        const esp_err_t result = state == WAIT_WAITS ? ESP_ERR_TIMEOUT : waiter->result;
        if (over || state != WAIT_WAITS) {
            waiter->state = WAIT_FREE;
        }
        portEXIT_CRITICAL(&s_lock);
        if (over || state != WAIT_WAITS) {
            return result;
        }
        /* A wake-up meant for the one before in this place is one look for nothing. */
        (void)xSemaphoreTake(waiter->semaphore,
                             limit == portMAX_DELAY ? portMAX_DELAY : limit - waited);
    }
}

static esp_err_t take(system_lock_t id, system_identity_t *identity, unsigned slot,
                      uint32_t timeout_ms)
{
    waiter_t *waiter = NULL;
    esp_err_t ret = ESP_ERR_LOCK_NOT_FOUND;
    portENTER_CRITICAL(&s_lock);
    lock_t *lock = find_locked(id);
    const uint8_t ceiling = lock != NULL ? lock->ceiling : 0;
    const uint8_t base = base_priority_locked(identity);
    portEXIT_CRITICAL(&s_lock);
    const uint8_t before = (uint8_t)uxTaskPriorityGet(NULL);
    if (ceiling > before) { /* before it has it: nobody may come between */
        vTaskPrioritySet(NULL, ceiling);
    }
    portENTER_CRITICAL(&s_lock);
    lock = find_locked(id);
    if (lock != NULL) {
        ret = try_locked(lock, identity, slot, base);
        if (ret == ESP_ERR_TIMEOUT && timeout_ms != 0) {
            waiter = begin_wait_locked(lock, identity, slot, base);
            ret = waiter != NULL ? ESP_OK : ESP_ERR_NO_MEM;
        }
    }
    portEXIT_CRITICAL(&s_lock);
    if (waiter != NULL) {
        ret = wait(waiter, timeout_ms);
    }
    if (ret != ESP_OK && ret != ESP_ERR_LOCK_OWNER_DEAD && ceiling > before) {
        lower(identity, ceiling, base);
    }
    return ret;
}

esp_err_t system_lock_take(system_lock_t lock, uint32_t timeout_ms)
{
    if (xPortInIsrContext()) {
        return ESP_ERR_INVALID_STATE;
    }
    system_identity_t *identity = system_identity();
    const unsigned slot = system_identity_slot(identity);
    if (slot >= SYSTEM_SLOTS) {
        return ESP_ERR_NOT_OWNER;
    }
    system_enter_as(identity); /* not to be cut with a place in the table */
    const esp_err_t ret = event_waits_ended() && timeout_ms != 0
                              ? take(lock, identity, slot, 0)
                              : take(lock, identity, slot, timeout_ms);
    system_leave(identity);
    return ret;
}

esp_err_t system_lock_give(system_lock_t id)
{
    if (xPortInIsrContext()) {
        return ESP_ERR_INVALID_STATE;
    }
    system_identity_t *identity = system_identity();
    esp_err_t ret = ESP_OK;
    waiter_set_t woken = 0;
    uint8_t base = 0;
    uint8_t before = 0;
    system_enter_as(identity);
    portENTER_CRITICAL(&s_lock);
    lock_t *lock = find_locked(id);
    if (lock == NULL) {
        ret = ESP_ERR_LOCK_NOT_FOUND;
    } else if (identity == NULL || lock->holder != identity) {
        ret = lock->gone ? ESP_ERR_LOCK_NOT_FOUND : ESP_ERR_LOCK_NOT_HELD;
    } else {
        base = lock->base;
        before = due_priority_locked(identity, base);
        woken = pass_on_locked(lock);
    }
    portEXIT_CRITICAL(&s_lock);
    wake(woken);
    if (ret == ESP_OK && identity != NULL) {
        lower(identity, before, base);
    }
    system_leave(identity);
    return ret;
}

esp_err_t system_lock_mend(system_lock_t id)
{
    if (xPortInIsrContext()) {
        return ESP_ERR_INVALID_STATE;
    }
    const system_identity_t *identity = system_identity();
    esp_err_t ret = ESP_OK;
    portENTER_CRITICAL(&s_lock);
    lock_t *lock = find_locked(id);
    if (lock == NULL) {
        ret = ESP_ERR_LOCK_NOT_FOUND;
    } else if (identity == NULL || lock->holder != identity) {
        ret = ESP_ERR_LOCK_NOT_HELD;
    } else {
        lock->mend = false;
    }
    portEXIT_CRITICAL(&s_lock);
    return ret;
}

/* ---- creating and asking --------------------------------------------------------------------- */

static esp_err_t create_locked(unsigned slot, const char *name, uint8_t ceiling, lock_t **out)
{
    lock_t *lock = find_name_locked(name);
    if (lock != NULL) {
        *out = lock;
        return lock->owner == slot ? ESP_OK : ESP_ERR_NOT_OWNER;
    }
    for (unsigned i = 0; i < LOCKS; i++) {
        lock = &s_locks[i];
        if (lock->used) {
            continue;
        }
        const uint32_t generation = (lock->generation + 1u) & 0xFFFFFFu;
        memset(lock, 0, sizeof(*lock));
        lock->generation = generation + (generation == 0);
        lock->used = true;
        lock->owner = (uint8_t)slot;
        lock->ceiling = ceiling;
        system_copy_name(lock->name, name);
        *out = lock;
        return ESP_OK;
    }
    return ESP_ERR_LOCKS_FULL;
}

esp_err_t system_lock_create(system_service_id_t id, const char *name, uint8_t ceiling,
                             system_lock_t *out)
{
    unsigned slot;
    lock_t *lock = NULL;
    if (name == NULL || out == NULL || ceiling > CONFIG_SYSTEM_EXPRESS_PRIORITY ||
        name[0] == '\0' || strnlen(name, SYSTEM_NAME_MAX + 1) > SYSTEM_NAME_MAX ||
        !service_name_valid(name)) {
        return ESP_ERR_INVALID_ARG;
    }
    esp_err_t ret = service_slot_for_caller(id, &slot);
    if (ret != ESP_OK) {
        return ret;
    }
    portENTER_CRITICAL(&s_lock);
    ret = create_locked(slot, name, ceiling != 0 ? ceiling : CONFIG_SYSTEM_WORKER_PRIORITY, &lock);
    if (ret == ESP_OK) {
        *out = id_of(lock);
    }
    portEXIT_CRITICAL(&s_lock);
    return ret;
}

esp_err_t system_lock_find(const char *name, system_lock_t *out)
{
    if (name == NULL || out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    portENTER_CRITICAL(&s_lock);
    const lock_t *lock = find_name_locked(name);
    *out = lock != NULL ? id_of(lock) : SYSTEM_LOCK_NONE;
    portEXIT_CRITICAL(&s_lock);
    return lock != NULL ? ESP_OK : ESP_ERR_LOCK_NOT_FOUND;
}

esp_err_t system_lock_get_info(system_lock_t id, system_lock_info_t *out)
{
    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    memset(out, 0, sizeof(*out));
    portENTER_CRITICAL(&s_lock);
    const lock_t *lock = find_locked(id);
    if (lock != NULL && lock->gone) {
        lock = NULL;
    }
    if (lock != NULL) {
        memcpy(out->name, lock->name, sizeof(out->name));
        out->owner = service_slot_id(lock->owner);
        out->holder = lock->holder != NULL ? service_slot_id(lock->slot) : SYSTEM_SERVICE_ID_NONE;
        out->lost = lock->lost;
        out->mend = lock->mend;
        out->ceiling = lock->ceiling;
        out->taken = lock->taken;
        out->waited = lock->waited;
        out->deaths = lock->deaths;
        for (unsigned i = 0; i < WAITERS; i++) {
            out->waiting += s_waiters[i].state == WAIT_WAITS && &s_locks[s_waiters[i].lock] == lock;
        }
    }
    portEXIT_CRITICAL(&s_lock);
    return lock != NULL ? ESP_OK : ESP_ERR_LOCK_NOT_FOUND;
}

/* ---- ends ------------------------------------------------------------------------------------ */

void system_locks_holder_gone(const system_identity_t *identity)
{
    waiter_set_t woken = 0;
    unsigned left = 0;
    portENTER_CRITICAL(&s_lock);
    for (unsigned i = 0; i < LOCKS; i++) {
        lock_t *lock = &s_locks[i];
        if (lock->used && lock->holder == identity) {
            lock->mend = true;
            lock->deaths++;
            left++;
            woken |= pass_on_locked(lock);
        }
    }
    for (unsigned i = 0; i < WAITERS; i++) { /* deleted by its own service while it waited */
        if (s_waiters[i].state != WAIT_FREE && s_waiters[i].identity == identity) {
            s_waiters[i].state = WAIT_FREE;
        }
    }
    portEXIT_CRITICAL(&s_lock);
    wake(woken);
    if (left != 0) {
        ESP_LOGW(TAG, "code of %s ended with %u locks in its hands: they are to be mended",
                 service_slot_name(system_identity_slot(identity)), left);
    }
}

void system_locks_end_waits(unsigned slot)
{
    portENTER_CRITICAL(&s_lock);
    const waiter_set_t woken = refuse_locked(NULL, slot, ESP_ERR_LOCK_WAIT_ENDED);
    portEXIT_CRITICAL(&s_lock);
    wake(woken);
}

void system_locks_reclaim(unsigned slot)
{
    waiter_set_t woken = 0;
    portENTER_CRITICAL(&s_lock);
    woken |= refuse_locked(NULL, slot, ESP_ERR_LOCK_WAIT_ENDED);
    for (unsigned i = 0; i < LOCKS; i++) {
        lock_t *lock = &s_locks[i];
        if (lock->used && lock->holder != NULL && lock->slot == slot) {
            lock->lost = true;
            lock->slot = SYSTEM_SLOT_NONE; /* the owner of that name may be another one soon */
            woken |= refuse_locked(lock, slot, ESP_ERR_SYSTEM_LOCK_LOST);
        }
    }
    portEXIT_CRITICAL(&s_lock);
    wake(woken);
}

void system_locks_release(unsigned slot)
{
    waiter_set_t woken = 0;
    portENTER_CRITICAL(&s_lock);
    for (unsigned i = 0; i < LOCKS; i++) {
        lock_t *lock = &s_locks[i];
        if (lock->used && lock->owner == slot) {
            woken |= refuse_locked(lock, slot, ESP_ERR_LOCK_NOT_FOUND);
            lock->used = lock->gone = lock->holder != NULL;
        }
    }
    portEXIT_CRITICAL(&s_lock);
    wake(woken);
}

unsigned system_locks_held(unsigned slot)
{
    unsigned held = 0;
    portENTER_CRITICAL(&s_lock);
    for (unsigned i = 0; i < LOCKS; i++) {
        held += s_locks[i].used && s_locks[i].holder != NULL && s_locks[i].slot == slot;
    }
    portEXIT_CRITICAL(&s_lock);
    return held;
}

#endif
