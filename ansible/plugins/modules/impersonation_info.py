#!/usr/bin/python

# Copyright (c) the exgrant authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: impersonation_info
short_description: List who may act for mailboxes of an Exchange organization
version_added: 0.2.0
description:
  - Lists every holder of every role of type ApplicationImpersonation, direct and through groups, with its scope.
  - With O(expected) it compares them with the grants that there should be, and fails or warns on every difference.
  - Changes nothing.
options:
  holder:
    description:
      - List the grants of this account only.
    type: str
  expected:
    description:
      - Path of a file of grants (C(apiVersion exgrant/v1)) on the host that runs the module.
      - Every holder that no grant of it explains, and every grant of it that is gone, disabled, wider or on another scope,
        is drift.
    type: path
  on_drift:
    description:
      - Whether drift fails the task or is a warning.
    type: str
    choices: [fail, warn]
    default: fail
extends_documentation_fragment:
  - exgrant.exchange.session
attributes:
  check_mode:
    support: full
    description: Changes nothing in either mode.
  diff_mode:
    support: none
    description: There is nothing to compare.
author:
  - the exgrant engineers (@exgrant)
seealso:
  - module: exgrant.exchange.impersonation_grant
"""

EXAMPLES = r"""
- name: Who may act for mailboxes?
  exgrant.exchange.impersonation_info:
    server: ex01.contoso.com
    logon: admin@CONTOSO.COM
    keytab: /etc/exgrant/admin.keytab
  register: impersonation

- name: Nobody but those who are written down
  exgrant.exchange.impersonation_info:
    server: ex01.contoso.com
    logon: admin@CONTOSO.COM
    keytab: /etc/exgrant/admin.keytab
    expected: /etc/exgrant/grants.yaml
    on_drift: warn
"""

RETURN = r"""
holders:
  description: One item for each account and role assignment.
  returned: success
  type: list
  elements: dict
  contains:
    assignment:
      description: Name of the role assignment.
      returned: success
      type: str
    guid:
      description: Its GUID.
      returned: success
      type: str
    holder:
      description: Who holds the role.
      returned: success
      type: str
    via:
      description: The group through which; empty for a direct grant.
      returned: success
      type: str
    scope:
      description: The scope, as data and in words.
      returned: success
      type: dict
drift:
  description: The differences from O(expected), each with C(id), C(severity) and C(text).
  returned: when O(expected) is given
  type: list
  elements: dict
findings:
  description: What is worth knowing beside the holders.
  returned: success
  type: list
  elements: dict
outcome:
  description: How it ended, in the program's one word.
  returned: when the server was asked
  type: str
  sample: audited
exit_code:
  description: Exit code of the program.
  returned: when the program ran
  type: int
  sample: 0
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.exgrant.exchange.plugins.module_utils.program import Program, flags, session_options


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            session_options(),
            holder=dict(type="str"),
            expected=dict(type="path"),
            on_drift=dict(type="str", choices=["fail", "warn"], default="fail"),
        ),
        mutually_exclusive=[("password", "keytab", "ccache")],
        required_by=dict(client_key=("client_cert",), client_cert=("client_key",)),
        supports_check_mode=True,
    )
    params = module.params
    program = Program(module)
    program.check_version()
    words = ["audit", *flags(params, ("holder",))]
    if params["expected"]:
        words.append("-f=" + params["expected"])
    answer = program.call(words)
    findings = answer.document.get("findings") or []
    result = dict(changed=False, holders=answer.document.get("holders") or [], findings=findings)
    good = ["audited"]
    if params["expected"]:
        result["drift"] = [finding for finding in findings if finding.get("id", "").startswith("drift-")]
        if params["on_drift"] == "warn":
            good.append("differs")
            for finding in result["drift"]:
                module.warn("{0}: {1}".format(finding.get("id"), finding.get("text")))
    program.end(answer, good, **result)


if __name__ == "__main__":
    main()
