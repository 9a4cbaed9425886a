"""For every line on standard input: opens many mailboxes by impersonation.

Prints the seconds that each took, and the bytes of memory that the process has then.
"""
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from exchangelib import BASIC, IMPERSONATION, Account, Build, Configuration, Credentials, EWSTimeZone, Version
from exchangelib.folders import Root

url, user, password, mailboxes, at_once = sys.argv[1:]
config = Configuration(service_endpoint=url + "/EWS/Exchange.asmx", credentials=Credentials(user, password),
                       auth_type=BASIC, version=Version(build=Build(15, 0, 847, 0), api_version="Exchange2013_SP1"),
                       max_connections=int(at_once))
utc = EWSTimeZone("UTC")


def prove(n):
    account = Account(primary_smtp_address="user%05d@contoso.test" % (10 * n), config=config, autodiscover=False,
                      access_type=IMPERSONATION, default_timezone=utc)
    # One GetFolder, as ours: of the root, which account.calendar would ask for first.
    assert Root.get_distinguished(account=account).id


for _ in sys.stdin:
    start = time.perf_counter()
    with ThreadPoolExecutor(int(at_once)) as pool:
        list(pool.map(prove, range(1, int(mailboxes) + 1)))
    took = time.perf_counter() - start
    with open("/proc/self/statm") as f:
        resident = int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    print(took / int(mailboxes), resident, flush=True)
