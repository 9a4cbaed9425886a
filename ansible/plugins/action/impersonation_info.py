# Copyright (c) the exgrant authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.exgrant.exchange.plugins.plugin_utils.once import LogOnOnce


class ActionModule(LogOnOnce):
    """Runs the module of this name, and never again after a log-on that failed."""
