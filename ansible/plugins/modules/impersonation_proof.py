#!/usr/bin/python

# Copyright (c) the exgrant authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: impersonation_proof
short_description: Prove over Exchange Web Services which mailboxes a service account can act for
version_added: 0.2.0
description:
  - Logs on to Exchange Web Services as the service account and reads, as each mailbox of O(in_scope), which must work, and as
    each of O(out_of_scope), which must be refused.
  - With O(server) it also asks the organization what the role assignments say, and says why the two differ.
  - Changes nothing.
options:
  as:
    description:
      - The service account that logs on, as C(svc@contoso.com) or C(CONTOSO\svc).
    type: str
    required: true
  as_password:
    description:
      - Its password. It reaches the program on standard input, and is in no log.
    type: str
    required: true
  in_scope:
    description:
      - Mailboxes that the account must reach, by address.
    type: list
    elements: str
    default: []
  out_of_scope:
    description:
      - Mailboxes that it must not reach.
    type: list
    elements: str
    default: []
  ews_url:
    description:
      - The URL of Exchange Web Services; without it that of O(server), else Autodiscover finds it.
    type: str
  ews_auth:
    description:
      - How the service account logs on.
    type: str
    choices: [negotiate, kerberos, ntlm, basic]
    default: negotiate
  user_agent:
    description:
      - What the client calls itself, where the organization lets only some in.
    type: str
  write_test:
    description:
      - Also create, read and remove an appointment in the calendar of the first mailbox of O(in_scope).
    type: bool
    default: false
  wait:
    description:
      - Look again for this time, such as V(30m), until everything is in effect. A grant needs minutes to reach every server.
      - This is the way to wait. A log-on that failed is never tried again.
    type: str
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
- name: It works, and only where it should
  exgrant.exchange.impersonation_proof:
    ews_url: https://mail.contoso.com/EWS/Exchange.asmx
    as: svc-reschedule@contoso.com
    as_password: "{{ service_password }}"
    in_scope: [anna@contoso.com]
    out_of_scope: [boss@contoso.com]
    wait: 30m
"""

RETURN = r"""
proof:
  description: One item for each mailbox, with what was expected and what was observed.
  returned: when Exchange Web Services were asked
  type: list
  elements: dict
findings:
  description: What is worth knowing beside it.
  returned: when Exchange Web Services were asked
  type: list
  elements: dict
outcome:
  description: How it ended, in the program's one word.
  returned: when Exchange Web Services were asked
  type: str
  sample: verified
exit_code:
  description: Exit code of the program.
  returned: when the program ran
  type: int
  sample: 0
report:
  description: The whole report of the program.
  returned: when Exchange Web Services were asked
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.exgrant.exchange.plugins.module_utils.program import EWS_FLAGS, Program, flags, session_options


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            session_options(),
            **{"as": dict(type="str", required=True)},
            as_password=dict(type="str", required=True, no_log=True),
            in_scope=dict(type="list", elements="str", default=[]),
            out_of_scope=dict(type="list", elements="str", default=[]),
            ews_url=dict(type="str"),
            ews_auth=dict(type="str", choices=["negotiate", "kerberos", "ntlm", "basic"], default="negotiate"),
            user_agent=dict(type="str"),
            write_test=dict(type="bool", default=False),
            wait=dict(type="str"),
        ),
        mutually_exclusive=[("password", "keytab", "ccache")],
        required_by=dict(client_key=("client_cert",), client_cert=("client_key",)),
        supports_check_mode=True,
    )
    program = Program(module)
    program.check_version()
    words = ["diagnose", *flags(module.params, EWS_FLAGS), *flags(module.params, ("in_scope", "out_of_scope", "wait"))]
    answer = program.call(words, as_password=module.params["as_password"])
    document = answer.document
    program.end(answer, ("verified",), changed=False, proof=document.get("proof") or [],
                findings=document.get("findings") or [], report=document)


if __name__ == "__main__":
    main()
