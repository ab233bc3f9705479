/* SPDX-License-Identifier: Apache-2.0 */
/* AES-128 and P-256 of mbedTLS. */
#include "smp_crypto.h"

#include "esp_random.h"
#include "mbedtls/aes.h"
#include "mbedtls/ecdh.h"
#include "mbedtls/ecp.h"

bool smp_crypto_cipher(const uint8_t key[16], const uint8_t in[16], uint8_t out[16])
{
    mbedtls_aes_context aes;
    mbedtls_aes_init(&aes);
    const bool done = mbedtls_aes_setkey_enc(&aes, key, 128) == 0 &&
                      mbedtls_aes_crypt_ecb(&aes, MBEDTLS_AES_ENCRYPT, in, out) == 0;
    mbedtls_aes_free(&aes);
    return done;
}

static int fill(void *arg, unsigned char *out, size_t size)
{
    (void)arg;
    esp_fill_random(out, size);
    return 0;
}

bool smp_crypto_key_pair(uint8_t own[SMP_PRIVATE], uint8_t public[SMP_PUBLIC])
{
    mbedtls_ecp_group group;
    mbedtls_ecp_point point;
    mbedtls_mpi number;
    mbedtls_ecp_group_init(&group);
    mbedtls_ecp_point_init(&point);
    mbedtls_mpi_init(&number);
    const bool done =
        mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1) == 0 &&
        mbedtls_ecp_gen_keypair(&group, &number, &point, fill, NULL) == 0 &&
        mbedtls_mpi_write_binary_le(&number, own, SMP_PRIVATE) == 0 &&
        mbedtls_mpi_write_binary_le(&point.X, public, SMP_PUBLIC / 2) == 0 &&
        mbedtls_mpi_write_binary_le(&point.Y, public + SMP_PUBLIC / 2, SMP_PUBLIC / 2) == 0;
    mbedtls_mpi_free(&number);
    mbedtls_ecp_point_free(&point);
    mbedtls_ecp_group_free(&group);
    return done;
}

bool smp_crypto_shared(const uint8_t own[SMP_PRIVATE], const uint8_t peer[SMP_PUBLIC],
                       uint8_t out[SMP_PRIVATE])
{
    mbedtls_ecp_group group;
    mbedtls_ecp_point point;
    mbedtls_mpi number, secret;
    mbedtls_ecp_group_init(&group);
    mbedtls_ecp_point_init(&point);
    mbedtls_mpi_init(&number);
    mbedtls_mpi_init(&secret);
    const bool done =
        mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1) == 0 &&
        mbedtls_mpi_read_binary_le(&number, own, SMP_PRIVATE) == 0 &&
        mbedtls_mpi_read_binary_le(&point.X, peer, SMP_PUBLIC / 2) == 0 &&
        mbedtls_mpi_read_binary_le(&point.Y, peer + SMP_PUBLIC / 2, SMP_PUBLIC / 2) == 0 &&
        mbedtls_mpi_lset(&point.Z, 1) == 0 && mbedtls_ecp_check_pubkey(&group, &point) == 0 &&
        mbedtls_ecdh_compute_shared(&group, &secret, &point, &number, fill, NULL) == 0 &&
        mbedtls_mpi_write_binary_le(&secret, out, SMP_PRIVATE) == 0;
    mbedtls_mpi_free(&secret);
    mbedtls_mpi_free(&number);
    mbedtls_ecp_point_free(&point);
    mbedtls_ecp_group_free(&group);
    return done;
}
