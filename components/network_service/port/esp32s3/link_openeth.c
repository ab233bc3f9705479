/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Ethernet controller of QEMU's board (-nic user,model=open_eth): a cable, with an address by
 * DHCP. The interface is up from the first open on; to leave it is only not to tell what happens.
 */
#include "link_common.h"

#include <stdatomic.h>
#include <string.h>

#include "esp_eth.h"
#include "esp_event.h"
#include "esp_netif.h"
#include "soc/soc.h"

/* The driver ends the program where there is no controller. Its mode register, as a reset leaves it
 * and as the driver insists to find it; without a controller nothing stays that is written. */
#define MODE_REG   0x600CD000
#define MODE_RESET 0xa000

static esp_netif_t *s_netif;
static esp_eth_handle_t s_ethernet;
static unsigned s_done; /* steps of the set-up */
static _Atomic bool s_joined;
static _Atomic uint32_t s_ipv4; /* as it lies in memory; 0 = none */

static void tell_address(void)
{
    link_event_t event = {.kind = LINK_ADDRESS};
    const uint32_t ipv4 = atomic_load(&s_ipv4);
    memcpy(event.ipv4, &ipv4, sizeof(event.ipv4));
    atomic_store(&s_joined, true);
    (void)link_common_tell(&event);
}

static void tell_end(esp_err_t reason)
{
    const link_event_t event = {.kind = atomic_exchange(&s_joined, false) ? LINK_LOST : LINK_FAILED,
                                .reason = reason};
    atomic_store(&s_ipv4, 0);
    (void)link_common_tell(&event);
}

static void on_ip(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    (void)arg;
    (void)base;
    if (id == IP_EVENT_ETH_GOT_IP) {
        const ip_event_got_ip_t *got = data;
        atomic_store(&s_ipv4, got->ip_info.ip.addr);
        tell_address();
        link_common_start_time();
    } else if (id == IP_EVENT_ETH_LOST_IP) {
        tell_end(ESP_ERR_TIMEOUT);
    }
}

static void on_ethernet(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    (void)arg;
    (void)base;
    (void)data;
    if (id == ETHERNET_EVENT_DISCONNECTED) {
        tell_end(ESP_ERR_NOT_FOUND);
    }
}

/* ---- set-up, step by step ------------------------------------------------------------------- */

static esp_err_t find_controller(void)
{
    REG_WRITE(MODE_REG, MODE_RESET);
    return REG_READ(MODE_REG) == MODE_RESET ? ESP_OK : ESP_ERR_NOT_FOUND;
}

static esp_err_t make_netif(void)
{
    const esp_netif_config_t config = ESP_NETIF_DEFAULT_ETH();
    s_netif = esp_netif_new(&config);
    return s_netif != NULL ? ESP_OK : ESP_ERR_NO_MEM;
}

static esp_err_t make_driver(void)
{
    const eth_mac_config_t mac_config = ETH_MAC_DEFAULT_CONFIG();
    eth_phy_config_t phy_config = ETH_PHY_DEFAULT_CONFIG();
    phy_config.reset_gpio_num = -1;
    phy_config.autonego_timeout_ms = 0; /* there is nobody to agree with, and nothing to wait for */
    esp_eth_mac_t *mac = esp_eth_mac_new_openeth(&mac_config);
    esp_eth_phy_t *phy = esp_eth_phy_new_dp83848(&phy_config);
    esp_err_t ret = mac != NULL && phy != NULL ? ESP_OK : ESP_ERR_NO_MEM;
    if (ret == ESP_OK) {
        const esp_eth_config_t config = ETH_DEFAULT_CONFIG(mac, phy);
        ret = esp_eth_driver_install(&config, &s_ethernet);
    }
    if (ret != ESP_OK) {
        (void)(mac != NULL ? mac->del(mac) : ESP_OK);
        (void)(phy != NULL ? phy->del(phy) : ESP_OK);
    }
    return ret;
}

static esp_err_t attach(void)
{
    esp_eth_netif_glue_handle_t glue = esp_eth_new_netif_glue(s_ethernet);
    const esp_err_t ret = glue != NULL ? esp_netif_attach(s_netif, glue) : ESP_ERR_NO_MEM;
    if (ret != ESP_OK && glue != NULL) {
        (void)esp_eth_del_netif_glue(glue);
    }
    return ret;
}

static esp_err_t listen_to_ethernet(void)
{
    return esp_event_handler_register(ETH_EVENT, ESP_EVENT_ANY_ID, on_ethernet, NULL);
}

static esp_err_t listen_to_ip(void)
{
    return esp_event_handler_register(IP_EVENT, ESP_EVENT_ANY_ID, on_ip, NULL);
}

static esp_err_t start(void)
{
    return esp_eth_start(s_ethernet);
}

static const link_step_t s_steps[] = {find_controller,    make_netif,   make_driver, attach,
                                      listen_to_ethernet, listen_to_ip, start};

/* ---- the seam ------------------------------------------------------------------------------- */

esp_err_t link_backend_open(void (*changed)(void), bool *radio)
{
    esp_err_t ret = link_common_open(changed);
    *radio = false;
    if (ret == ESP_OK) {
        ret = link_common_set_up(s_steps, sizeof(s_steps) / sizeof(s_steps[0]), &s_done);
    }
    link_backend_leave(); /* whatever an earlier life was doing */
    return ret;
}

void link_backend_close(void)
{
    link_backend_leave();
}

esp_err_t link_backend_scan(void)
{
    const link_event_t event = {.kind = LINK_SCANNED};
    link_common_put(&event);
    return ESP_OK;
}

size_t link_backend_networks(network_seen_t *out, size_t room)
{
    if (room == 0) {
        return 0;
    }
    out[0] = (network_seen_t){.name = "cable"};
    return 1;
}

esp_err_t link_backend_join(const char *name, const char *secret, bool host)
{
    (void)name; /* there is one cable */
    (void)secret;
    if (host) {
        return ESP_ERR_NOT_SUPPORTED;
    }
    link_common_join();
    if (atomic_load(&s_ipv4) != 0) {
        tell_address();
    }
    return ESP_OK;
}

void link_backend_leave(void)
{
    link_common_leave();
    atomic_store(&s_joined, false);
}

bool link_backend_take(link_event_t *event)
{
    return link_common_take(event);
}

int8_t link_backend_rssi(void)
{
    return 0;
}
