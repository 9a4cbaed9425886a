# Copyright (c) the exgrant authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module: never again after a log-on that failed, since accounts get locked; unreachable where the server was."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase


class LogOnOnce(ActionBase):
    """The action of every module of the collection.

    A task with until and retries runs its action several times in one process. One whose log-on was denied answers the second
    time what it answered the first, without asking the server.
    """

    _supports_check_mode = True
    _supports_diff = True
    _denied: t.ClassVar[dict[tuple, dict]] = {}  # answers, by task, host, server and who logs on

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        del tmp
        key = (self._task._uuid, (task_vars or {}).get("inventory_hostname"), *map(self._task.args.get, ("server", "logon", "as")))
        if key in self._denied:
            self._display.vvv("The log-on was denied before: it is not tried again.")
            result.update(self._denied[key])
            return result
        answer = self._execute_module(task_vars=task_vars)
        if answer.get("outcome") == "denied":
            self._denied[key] = dict(answer)
        result.update(answer)
        if answer.get("outcome") == "unreachable":
            result.pop("failed", None)
            result["unreachable"] = True  # as Ansible and AWX count hosts
        return result
