# Copyright (c) the exgrant authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.exgrant.exchange.plugins.modules.impersonation_grant import made_diff, planned_diff


def test_planned_diff():
    plan = {
        "unchanged": [{"id": "resolve", "text": "svc"}],
        "changes": [{"id": "assign", "action": "create", "why": "no equal grant", "command": {
            "cmdlet": "New-ManagementRoleAssignment", "parameters": [{"name": "Name", "value": "X"}, {"name": "Confirm", "value": False}]}}],
    }
    diff = planned_diff(plan)
    assert diff["before"] == "resolve: svc\n"
    assert diff["after"] == "resolve: svc\ncreate assign: no equal grant\n    New-ManagementRoleAssignment -Name 'X' -Confirm False\n"


def test_made_diff():
    state = {"assignments": [{"name": "X", "enabled": True}], "scopes": []}
    assert made_diff({"before": {"assignments": [], "scopes": []}, "after": state}) == {"before": "", "after": "assignments: enabled=True, name=X\n"}
    assert made_diff({}) == {"before": "", "after": ""}
