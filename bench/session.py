"""For every line on standard input: one session of five commands, or many sessions at once.

Prints the seconds that the session took; or the bytes that each of the sessions added to the
process, and the seconds that each of the requests took which they then made.
"""
import os
import socket
import sys
import time
import urllib.parse

from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

url, user, password, mode, sessions, auth = sys.argv[1:]
place = urllib.parse.urlparse(url)
if auth != "basic":  # the server's name is one of the test bed's realm, and leads to this machine
    resolve = socket.getaddrinfo
    socket.getaddrinfo = lambda host, *rest, **named: resolve("127.0.0.1" if host == place.hostname else host, *rest, **named)


def opened():
    wsman = WSMan(place.hostname, port=place.port, path="PowerShell", ssl=False, auth=auth,
                  encryption="never" if auth == "basic" else "always", negotiate_service="HTTP", username=user, password=password, no_proxy=True)
    pool = RunspacePool(wsman, configuration_name="Microsoft.Exchange")
    pool.open()
    return pool


def get_user(pool, name):
    output = PowerShell(pool).add_cmdlet("Get-User").add_parameter("Identity", name).invoke()
    assert len(output) == 1, output


def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def one():
    start = time.perf_counter()
    pool = opened()
    for name in ["anna", "ben", "boss", "room1", "svc-reschedule"]:
        get_user(pool, name)
    pool.close()
    return [time.perf_counter() - start]


def many():
    before = resident()
    pools = [opened() for _ in range(int(sessions))]
    each = (resident() - before) / len(pools)
    start = time.perf_counter()
    for pool in pools:
        get_user(pool, "anna")
    took = time.perf_counter() - start
    for pool in pools:
        pool.close()
    return [each, took / len(pools) / 2]


for _ in sys.stdin:
    print(*(one() if mode == "one" else many()), flush=True)
