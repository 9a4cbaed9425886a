# Copyright (c) the exgrant authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Who gets the right, for which mailboxes, under which name."""

    DOCUMENTATION = r"""
options:
  user:
    description:
      - The account that gets the right, as C(CONTOSO\svc), UPN, DN, GUID or name.
      - Exactly one of O(user), O(group) and O(role_group) is given; O(mailbox) alone is also the user.
    type: str
  group:
    description:
      - An existing universal security group that gets the right.
    type: str
  role_group:
    description:
      - A role group of this name that gets the right; it is made where it is missing.
    type: str
  member:
    description:
      - Members of O(role_group).
    type: list
    elements: str
  view_only_configuration:
    description:
      - Give O(role_group) the role View-Only Configuration too.
    type: bool
    default: false
  mailbox:
    description:
      - The service's own mailbox, which must exist.
    type: str
  scope_group:
    description:
      - The mailboxes are the direct members of this group.
      - Exactly one of O(scope_group), O(scope_ou), O(scope_filter), O(scope_name) and O(whole_organization) is given.
    type: str
  scope_ou:
    description:
      - The mailboxes are those below this organizational unit.
    type: str
  scope_filter:
    description:
      - The mailboxes are those that this OPATH filter matches.
    type: str
  scope_name:
    description:
      - The mailboxes are those of this existing management scope.
      - Beside O(scope_group) or O(scope_filter) it names the scope to make.
    type: str
  whole_organization:
    description:
      - The mailboxes are all there are. It must be said; it is never what happens by leaving something out.
    type: bool
    default: false
  name:
    description:
      - Name of the role assignment. It is derived from account and scope where it is left out.
    type: str
  domain_controller:
    description:
      - The domain controller that takes the changes.
    type: str
"""
