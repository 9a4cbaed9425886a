# Copyright (c) the exgrant authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.exgrant.exchange.plugins.module_utils.program import Answer, flags


@pytest.mark.parametrize("params, want", [
    ({}, []),
    ({"user": None, "view_only_configuration": False, "member": []}, []),
    ({"user": "CONTOSO\\svc"}, ["--user=CONTOSO\\svc"]),
    ({"user": "--yes"}, ["--user=--yes"]),
    ({"user": ""}, ["--user="]),
    ({"member": ["Doe, J", "b"]}, ["--member=Doe, J", "--member=b"]),
    ({"view_only_configuration": True}, ["--view-only-configuration"]),
])
def test_flags(params, want):
    assert flags(params, ("user", "member", "view_only_configuration")) == want


@pytest.mark.parametrize("code, document, stderr, want", [
    (5, {"outcome": "denied"}, "exgrant: apply: denied: no\nhint: one attempt was made\n", "exgrant: apply: denied: no\nhint: one attempt was made"),
    (3, {"outcome": "differs"}, "", "exgrant: differs"),
    (1, None, "something else", "something else"),
    (9, None, "", "exgrant: it ended with code 9"),
])
def test_message(code, document, stderr, want):
    assert Answer(code, document, stderr).message == want
