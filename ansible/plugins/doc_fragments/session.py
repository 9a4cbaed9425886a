# Copyright (c) the exgrant authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options that every module of the collection has: which server, and who logs on."""

    DOCUMENTATION = r"""
options:
  server:
    description:
      - Full name of one Exchange server, or the URL of its PowerShell endpoint.
      - Not the name of a load balancer.
    type: str
  transport:
    description:
      - How the server is reached. V(psrp) is the endpoint of Exchange, V(winrs) the PowerShell that WinRM
        starts there, V(local) one of the host that runs the module.
    type: str
    choices: [psrp, winrs, local]
    default: psrp
  auth:
    description:
      - How to log on. Without it V(kerberos) for O(transport=psrp) and V(negotiate) for O(transport=winrs).
    type: str
    choices: [kerberos, negotiate, ntlm, basic, certificate]
  logon:
    description:
      - The administrator who logs on, as C(admin@CONTOSO.COM) or C(CONTOSO\admin).
      - Without it whose O(keytab) or ticket it is.
    type: str
  password:
    description:
      - Password of O(logon). It reaches the program on standard input, and is in no log.
      - A log-on that failed is never tried again, since accounts get locked.
    type: str
  keytab:
    description:
      - Log on by a key of this file, without a password.
    type: path
  ccache:
    description:
      - Log on by a ticket of this file.
    type: path
  krb5_config:
    description:
      - Find KDCs by this file instead of the host's C(krb5.conf).
    type: path
  port:
    description:
      - Port, where O(server) is a name and the port is not the usual one.
    type: int
  tls:
    description:
      - Connect by https, where O(server) is a name.
    type: bool
    default: false
  ca_file:
    description:
      - Accept certificates of the authorities in this PEM file only.
    type: path
  connect_to:
    description:
      - Connect to this C(HOST:PORT), as through a tunnel. The server's name stays what is checked.
    type: str
  spn:
    description:
      - The service to ask a ticket for, where it is not HTTP/ and the server's name.
    type: str
  seal_over_tls:
    description:
      - Seal messages also where TLS protects them.
    type: bool
    default: false
  client_cert:
    description:
      - Log on by the certificate in this PEM file, for O(auth=certificate).
    type: path
  client_key:
    description:
      - Its key, in this PEM file.
    type: path
  pwsh:
    description:
      - Path of the PowerShell of O(transport=local).
    type: path
  remote_exchange:
    description:
      - O(transport=winrs) and O(transport=local) open the Exchange Management Shell that is installed there.
    type: bool
    default: false
  timeout:
    description:
      - Time that one request may take beyond the server's own, such as V(45s).
    type: str
  deadline:
    description:
      - Time that the whole task may take, such as V(10m). A server that hangs ends the task then.
    type: str
  executable:
    description:
      - The program exgrant, by path or by name in E(PATH). It is called where the module runs, so that a jump host
        is chosen by C(delegate_to).
    type: path
    default: exgrant
requirements:
  - The program C(exgrant) 0.2.0 or newer on the host that runs the module.
"""
