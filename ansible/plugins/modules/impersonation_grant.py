#!/usr/bin/python

# Copyright (c) the exgrant authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: impersonation_grant
short_description: Let a service account act for mailboxes of an Exchange organization
version_added: 0.2.0
description:
  - Gives a service account the role ApplicationImpersonation for a set of mailboxes of an Exchange organization on-premises,
    takes it back, or verifies that it is in place and nothing wider stands beside it.
  - It calls the program C(exgrant) on the host that runs the module, which reaches the Exchange server by WinRM. Use
    C(delegate_to) for a jump host and C(connection=local) for the controller.
  - A grant is compared by account, role and scope, not by its name. What exists already is left alone, and what is in the
    way is a failure, never overwritten.
options:
  state:
    description:
      - V(present) makes the grant where it is missing.
      - V(absent) takes exactly this grant back, by its account and scope, by O(name) or by O(guid).
      - V(verified) changes nothing and fails where the grant is missing, disabled or on another scope, where another grant
        lets the account reach more, or where a mailbox of O(in_scope) or O(out_of_scope) answers otherwise than it should.
    type: str
    choices: [present, absent, verified]
    default: present
  guid:
    description:
      - GUID of the role assignment, for O(state=absent) and O(state=verified).
    type: str
  in_scope:
    description:
      - Mailboxes that the account must reach; the server is asked.
    type: list
    elements: str
  out_of_scope:
    description:
      - Mailboxes that it must not reach.
    type: list
    elements: str
  accept:
    description:
      - Names or GUIDs of other grants of the account that are known, for O(state=verified).
    type: list
    elements: str
  wait:
    description:
      - Look again for this time, such as V(30m), until everything is in effect, for O(state=verified).
    type: str
  update_scope:
    description:
      - Change the scope of a grant of this name that has another one.
    type: bool
    default: false
  allow_empty:
    description:
      - Make the grant although its scope holds no mailbox now.
    type: bool
    default: false
  enable_customization:
    description:
      - Agree to C(Enable-OrganizationCustomization) where the server asks for it. It cannot be undone.
    type: bool
    default: false
  customization_timeout:
    description:
      - Time to wait until customization is in effect, such as V(60m).
    type: str
extends_documentation_fragment:
  - exgrant.exchange.session
  - exgrant.exchange.grant
attributes:
  check_mode:
    support: full
    description: Is the program's C(plan). It reads from the server and changes nothing.
  diff_mode:
    support: full
    description: Shows the commands that are run, or would be.
author:
  - the exgrant engineers (@exgrant)
seealso:
  - module: exgrant.exchange.impersonation_info
  - module: exgrant.exchange.impersonation_proof
"""

EXAMPLES = r"""
- name: The scheduler acts for the members of a group
  exgrant.exchange.impersonation_grant:
    server: ex01.contoso.com
    logon: admin@CONTOSO.COM
    keytab: /etc/exgrant/admin.keytab
    user: CONTOSO\svc-reschedule
    scope_group: Reschedule Users
    in_scope: [anna@contoso.com]
    out_of_scope: [boss@contoso.com]

- name: Nothing wider stands beside it
  exgrant.exchange.impersonation_grant:
    state: verified
    server: ex01.contoso.com
    logon: admin@CONTOSO.COM
    password: "{{ exchange_admin_password }}"
    user: CONTOSO\svc-reschedule
    scope_group: Reschedule Users

- name: Take it back
  exgrant.exchange.impersonation_grant:
    state: absent
    server: ex01.contoso.com
    logon: admin@CONTOSO.COM
    keytab: /etc/exgrant/admin.keytab
    user: CONTOSO\svc-reschedule
    scope_group: Reschedule Users
"""

RETURN = r"""
outcome:
  description: How it ended, in the program's one word.
  returned: when the server was asked
  type: str
  sample: already-granted
exit_code:
  description: Exit code of the program.
  returned: when the program ran
  type: int
  sample: 0
grant:
  description: The grant that was asked for, with what its names resolved to.
  returned: when the names were resolved
  type: dict
findings:
  description: What is worth knowing beside it, each with C(id), C(severity) and C(text).
  returned: when the server was asked
  type: list
  elements: dict
proof:
  description: What the server answered about each mailbox of O(in_scope) and O(out_of_scope).
  returned: when mailboxes were named
  type: list
  elements: dict
undo:
  description: The commands that take the changes back, newest first, each with C(cmdlet), C(identity) and C(parameters).
  returned: when something was changed
  type: list
  elements: dict
report:
  description: The whole report of the program, in check mode its plan, as its schema C(exgrant.report/v1) says.
  returned: when the server was asked
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.exgrant.exchange.plugins.module_utils.program import (
    GRANT_FLAGS,
    Answer,
    Program,
    flags,
    grant_options,
    session_options,
)

PRESENT = ("granted", "already-granted", "granted-replicating", "planned")
ABSENT = ("revoked", "nothing-to-revoke")


def command_line(command: dict) -> str:
    """A command of a plan as text, for a diff. It is shown, never run."""
    words = [command.get("cmdlet", "")]
    for parameter in command.get("parameters", []):
        value = parameter.get("value")
        if isinstance(value, list):
            value = ", ".join(map(str, value))
        words.append("-{0} {1!r}".format(parameter.get("name"), value))
    return " ".join(words)


def planned_diff(plan: dict) -> dict:
    """Before and after of a plan: what stays, and the commands that would be run."""
    stays = ["{0}: {1}".format(item.get("id"), item.get("text")) for item in plan.get("unchanged", [])]
    changes = ["{0} {1}: {2}\n    {3}".format(item.get("action"), item.get("id"), item.get("why"), command_line(item.get("command", {})))
               for item in plan.get("changes", [])]
    return dict(before="\n".join(stays) + "\n", after="\n".join(stays + changes) + "\n")


def made_diff(report: dict) -> dict:
    """Before and after of a run: the assignments, scopes and role groups that it is about."""
    def lines(state: dict | None) -> str:
        found = []
        for kind, items in sorted((state or {}).items()):
            for item in items or []:
                found.append(kind + ": " + ", ".join(f"{key}={value}" for key, value in sorted(item.items())))
        return "\n".join(found) + "\n" if found else ""

    return dict(before=lines(report.get("before")), after=lines(report.get("after")))


class Task:
    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params = module.params
        self.program = Program(module)
        self.grant = flags(self.params, GRANT_FLAGS)

    def run(self) -> None:
        self.program.check_version()
        getattr(self, self.params["state"])()

    def present(self) -> None:
        words = self.grant + flags(self.params, ("update_scope", "allow_empty", "customization_timeout"))
        mailboxes = flags(self.params, ("in_scope", "out_of_scope"))
        if self.module.check_mode:
            answer = self.program.call(["plan", *words])
            changed = bool(answer.document.get("changes"))
            self.end(answer, PRESENT, changed, planned_diff(answer.document))
        answer = self.program.call(["apply", *words, *mailboxes, *flags(self.params, ("enable_customization",)), "--yes"])
        self.end(answer, PRESENT, bool(answer.document.get("changed")), made_diff(answer.document))

    def absent(self) -> None:
        words = self.grant + flags(self.params, ("guid",))
        if self.module.check_mode:
            # A revocation has no rehearsal: whether there is something to take back is what verify reads.
            answer = self.program.call(["verify", *words])
            there = (answer.document.get("after") or {}).get("assignments") or []
            known = ("verified", "differs", "not-found")
            self.end(answer, known, bool(there), dict(before=made_diff(answer.document)["after"], after="") if there else {})
        answer = self.program.call(["revoke", *words, "--yes"])
        self.end(answer, ABSENT, bool(answer.document.get("changed")), made_diff(answer.document))

    def verified(self) -> None:
        words = self.grant + flags(self.params, ("guid", "accept", "in_scope", "out_of_scope", "wait"))
        answer = self.program.call(["verify", *words])
        self.end(answer, ("verified",), False, {})

    def end(self, answer: Answer, good: tuple[str, ...], changed: bool, diff: dict) -> None:
        document = answer.document
        result = dict(changed=changed, findings=document.get("findings") or [], report=document)
        if document.get("grant"):
            result["grant"] = document["grant"]
        if document.get("proof"):
            result["proof"] = document["proof"]
        if document.get("inverse"):
            result["undo"] = document["inverse"]
        if diff and diff.get("before") != diff.get("after"):
            result["diff"] = diff
        for finding in result["findings"]:
            if finding.get("severity") != "info":
                self.module.warn("{0}: {1}".format(finding.get("id"), finding.get("text")))
        self.program.end(answer, good, **result)


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            session_options(),
            **grant_options(),
            state=dict(type="str", choices=["present", "absent", "verified"], default="present"),
            guid=dict(type="str"),
            in_scope=dict(type="list", elements="str"),
            out_of_scope=dict(type="list", elements="str"),
            accept=dict(type="list", elements="str"),
            wait=dict(type="str"),
            update_scope=dict(type="bool", default=False),
            allow_empty=dict(type="bool", default=False),
            enable_customization=dict(type="bool", default=False),
            customization_timeout=dict(type="str"),
        ),
        mutually_exclusive=[
            ("user", "group", "role_group"),
            ("scope_group", "scope_ou", "scope_filter", "whole_organization"),
            ("password", "keytab", "ccache"),
        ],
        required_by=dict(member=("role_group",), client_key=("client_cert",), client_cert=("client_key",)),
        supports_check_mode=True,
    )
    Task(module).run()


if __name__ == "__main__":
    main()
