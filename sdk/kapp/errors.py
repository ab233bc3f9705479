# SPDX-License-Identifier: Apache-2.0
"""What goes wrong, in words for the one who called the tool."""


class KappError(Exception):
    pass
