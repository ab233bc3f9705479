# SPDX-License-Identifier: Apache-2.0
set(KRAKEN_BACKENDS audio_i2s bluetooth_nimble display_spi input_pins net_wifi)
