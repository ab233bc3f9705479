/* SPDX-License-Identifier: Apache-2.0 */
#include "i2c_share/i2c_share.h"

#include <sys/lock.h>

#include "soc/soc_caps.h"

#define GLITCHES 7 /* clock cycles of the controller that a spike may last */

typedef struct {
    i2c_master_bus_handle_t bus; /* NULL: free */
    int sda;
    int scl;
    unsigned users;
} shared_bus_t;

static _lock_t s_lock; /* protects s_buses; held while the driver opens or closes one */
static shared_bus_t s_buses[SOC_HP_I2C_NUM];

static esp_err_t open_bus(shared_bus_t *shared, int sda, int scl)
{
    const i2c_master_bus_config_t config = {
        .i2c_port = -1,
        .sda_io_num = sda,
        .scl_io_num = scl,
        .clk_source = I2C_CLK_SRC_DEFAULT,
        .glitch_ignore_cnt = GLITCHES,
        .flags.enable_internal_pullup = true,
    };
    const esp_err_t ret = i2c_new_master_bus(&config, &shared->bus);
    if (ret != ESP_OK) {
        shared->bus = NULL;
        return ret;
    }
    shared->sda = sda;
    shared->scl = scl;
    shared->users = 1;
    return ESP_OK;
}

static esp_err_t claim_locked(int sda, int scl, i2c_master_bus_handle_t *bus)
{
    shared_bus_t *spare = NULL;
    for (unsigned i = 0; i < SOC_HP_I2C_NUM; i++) {
        shared_bus_t *shared = &s_buses[i];
        if (shared->bus == NULL) {
            spare = shared;
        } else if (shared->sda == sda && shared->scl == scl) {
            shared->users++;
            *bus = shared->bus;
            return ESP_OK;
        }
    }
    if (spare == NULL) {
        return ESP_ERR_NOT_FOUND;
    }
    const esp_err_t ret = open_bus(spare, sda, scl);
    *bus = spare->bus;
    return ret;
}

esp_err_t i2c_share_claim(int sda, int scl, i2c_master_bus_handle_t *bus)
{
    _lock_acquire(&s_lock);
    const esp_err_t ret = claim_locked(sda, scl, bus);
    _lock_release(&s_lock);
    return ret;
}

void i2c_share_release(i2c_master_bus_handle_t bus)
{
    _lock_acquire(&s_lock);
    for (unsigned i = 0; bus != NULL && i < SOC_HP_I2C_NUM; i++) {
        shared_bus_t *shared = &s_buses[i];
        if (shared->bus == bus && --shared->users == 0) {
            (void)i2c_del_master_bus(bus);
            shared->bus = NULL;
        }
    }
    _lock_release(&s_lock);
}
