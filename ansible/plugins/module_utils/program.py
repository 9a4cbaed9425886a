# Copyright (c) the exgrant authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls the program exgrant: options to flags, secrets on standard input, its one JSON document back."""

from __future__ import annotations

import json
import re
import typing as t

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

OLDEST = (0, 2, 0)

# Exit codes of the program (its manual, EXIT STATUS). Those of 2 are mistakes in the task's options.
DONE, FAILED, USAGE, DIFFERS, DENIED, INTERRUPTED = 0, 1, 2, 3, 5, 130

SESSION_FLAGS = (
    "server", "transport", "auth", "logon", "keytab", "ccache", "krb5_config", "port", "tls", "ca_file", "connect_to", "spn",
    "seal_over_tls", "client_cert", "client_key", "pwsh", "remote_exchange", "timeout", "deadline",
)

GRANT_FLAGS = (
    "user", "group", "role_group", "member", "view_only_configuration", "mailbox", "scope_group", "scope_ou", "scope_filter",
    "scope_name", "whole_organization", "name", "domain_controller",
)

EWS_FLAGS = ("ews_url", "as", "ews_auth", "user_agent", "write_test")


def session_options() -> dict:
    """The argument spec of the doc fragment session."""
    return dict(
        server=dict(type="str"),
        transport=dict(type="str", choices=["psrp", "winrs", "local"], default="psrp"),
        auth=dict(type="str", choices=["kerberos", "negotiate", "ntlm", "basic", "certificate"]),
        logon=dict(type="str"),
        password=dict(type="str", no_log=True),
        keytab=dict(type="path"),
        ccache=dict(type="path"),
        krb5_config=dict(type="path"),
        port=dict(type="int"),
        tls=dict(type="bool", default=False),
        ca_file=dict(type="path"),
        connect_to=dict(type="str"),
        spn=dict(type="str"),
        seal_over_tls=dict(type="bool", default=False),
        client_cert=dict(type="path"),
        client_key=dict(type="path", no_log=False),
        pwsh=dict(type="path"),
        remote_exchange=dict(type="bool", default=False),
        timeout=dict(type="str"),
        deadline=dict(type="str"),
        executable=dict(type="path", default="exgrant"),
    )


def grant_options() -> dict:
    """The argument spec of who, for which mailboxes, by which name."""
    return dict(
        user=dict(type="str"),
        group=dict(type="str"),
        role_group=dict(type="str"),
        member=dict(type="list", elements="str"),
        view_only_configuration=dict(type="bool", default=False),
        mailbox=dict(type="str"),
        scope_group=dict(type="str"),
        scope_ou=dict(type="str"),
        scope_filter=dict(type="str"),
        scope_name=dict(type="str"),
        whole_organization=dict(type="bool", default=False),
        name=dict(type="str"),
        domain_controller=dict(type="str"),
    )


def flags(params: dict, names: t.Iterable[str]) -> list[str]:
    """Options as flags. A value stands behind its flag with =, so that one which begins with a hyphen is no flag."""
    words = []
    for name in names:
        value = params.get(name)
        flag = "--" + name.replace("_", "-")
        if value is True:
            words.append(flag)
        elif isinstance(value, (list, tuple)):
            words.extend(f"{flag}={item}" for item in value)
        elif value is not None and value is not False:
            words.append(f"{flag}={value}")
    return words


class Answer:
    """What one run of the program gave."""

    def __init__(self, code: int, document: dict | None, stderr: str) -> None:
        self.code = code
        self.document = document or {}
        self.stderr = stderr.strip()

    @property
    def outcome(self) -> str:
        return self.document.get("outcome", "")

    @property
    def message(self) -> str:
        """The program's own sentences: its error and its hints, else the outcome."""
        lines = [line for line in self.stderr.splitlines() if line.startswith(("exgrant: ", "hint: "))]
        return "\n".join(lines) or self.stderr or f"exgrant: {self.outcome or 'it ended with code %d' % self.code}"


class Program:
    """The program on the host that runs the module."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params = module.params
        executable = self.params["executable"]
        self.path = executable if "/" in executable else module.get_bin_path(executable)
        if not self.path:
            module.fail_json(
                msg=f"exgrant: the program {executable} is not on this host. "
                "The role exgrant.exchange.install puts it there; executable names another place."
            )

    def check_version(self) -> None:
        """Fails clearly for a program that is too old to be understood."""
        code, out, err = self._run([self.path, "version"], None)
        found = re.search(r"\bv?(\d+)\.(\d+)\.(\d+)", out)
        if code != DONE:
            self.module.fail_json(msg=f"exgrant: {self.path} does not run: {(err or out).strip()}")
        if found is None:
            return  # built from sources, without a version
        version = tuple(int(part) for part in found.groups())
        if version < OLDEST:
            self.module.fail_json(
                msg="exgrant: {0} is version {1}, and this collection needs {2} or newer. The role exgrant.exchange.install "
                "updates it.".format(self.path, ".".join(map(str, version)), ".".join(map(str, OLDEST)))
            )

    def call(self, words: list[str], as_password: str | None = None) -> Answer:
        """Runs one command with the session's flags and returns its document.

        A mistake in the options, and a program that says nothing that can be understood, end the module.
        """
        secrets = {}
        if self.params.get("password"):
            secrets["password"] = self.params["password"]
        if as_password:
            secrets["asPassword"] = as_password
        command = [self.path, *words, "--json", *flags(self.params, SESSION_FLAGS)]
        if secrets:
            command += ["--secrets", "-"]
        code, out, err = self._run(command, json.dumps(secrets) if secrets else "")
        document = None
        if out.strip():
            try:
                document = json.loads(out)
            except ValueError:
                self.module.fail_json(msg=f"exgrant: its answer cannot be read: {out[:200]!r}", exit_code=code, stderr=err)
        answer = Answer(code, document, err)
        if document is None:
            self.module.fail_json(msg=answer.message, exit_code=code)
        return answer

    def _run(self, command: list[str], data: str | None) -> tuple[int, str, str]:
        # Variables of somebody's own session must not decide for a task.
        environ = {"LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
        for name in ("SERVER", "LOGON", "PASSWORD", "AS", "AS_PASSWORD", "AUTH", "TRANSPORT", "TLS", "PORT", "CA_FILE", "CONNECT_TO",
                     "PASSWORD_FILE", "KEYTAB", "CCACHE", "KRB5_CONFIG", "DOMAIN_CONTROLLER", "TIMEOUT", "DEADLINE", "EWS_URL"):
            environ["EXGRANT_" + name] = ""
        return self.module.run_command(command, data=data, binary_data=False, environ_update=environ, errors="surrogate_then_replace")

    def end(self, answer: Answer, good: t.Container[str], **result: t.Any) -> None:
        """Ends the module with the answer: exit_json for the outcomes in good, else failed."""
        result.setdefault("changed", bool(answer.document.get("changed", False)))
        result.update(outcome=answer.outcome, exit_code=answer.code)
        if answer.outcome in good:
            self.module.exit_json(**result)
        self.module.fail_json(msg=answer.message, **result)
