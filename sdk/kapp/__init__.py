# SPDX-License-Identifier: Apache-2.0
"""The package tool of the SDK; docs/KAPP_FORMAT.md says what it writes."""
