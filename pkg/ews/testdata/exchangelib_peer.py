"""Does with exchangelib what a scheduling product does, for each address on stdin.

    exchangelib_peer.py BASE-URL USER PASSWORD

prints one JSON object a line: what the calendar of an impersonated mailbox has, or
the response code by which that was refused.
"""
import datetime
import json
import sys

from exchangelib import (BASIC, IMPERSONATION, Account, Build, CalendarItem, Configuration, Credentials, EWSDateTime,
                         EWSTimeZone, Version, errors)
from exchangelib.autodiscover.protocol import AutodiscoverProtocol

base, user, password = sys.argv[1:4]
credentials = Credentials(user, password)
version = Version(build=Build(15, 0, 847, 0), api_version="Exchange2013_SP1")
config = Configuration(service_endpoint=base + "/EWS/Exchange.asmx", credentials=credentials, auth_type=BASIC,
                       version=version)
utc = EWSTimeZone("UTC")
start = EWSDateTime(2026, 11, 23, tzinfo=utc)


def calendar(address):
    account = Account(primary_smtp_address=address, config=config, autodiscover=False, access_type=IMPERSONATION,
                      default_timezone=utc)
    folder = account.calendar
    view = folder.view(start=start, end=start + datetime.timedelta(days=14), max_items=50)
    items = [[i.start.isoformat(), i.subject] for i in view.only("subject", "start")]
    busy = list(account.protocol.get_free_busy_info(accounts=[(account, "Required", False)], start=start,
                                                    end=start + datetime.timedelta(days=7),
                                                    merged_free_busy_interval=30, requested_view="MergedOnly"))
    new = CalendarItem(account=account, folder=folder, subject="by exchangelib", start=start,
                       end=start + datetime.timedelta(hours=1))
    new.save(send_meeting_invitations="SendToNone")
    subject = next(account.fetch([new], only_fields=["subject"])).subject
    account.bulk_delete([new], delete_type="HardDelete", send_meeting_cancellations="SendToNone")
    names = account.protocol.resolve_names(["ann"], search_scope="ActiveDirectory")
    return {"items": items, "busy": busy[0].merged, "written": subject, "names": [m.email_address for m in names],
            "build": str(account.version.build)}


def settings(address):
    protocol = AutodiscoverProtocol(config=Configuration(service_endpoint=base + "/autodiscover/autodiscover.svc",
                                                         credentials=credentials, auth_type=BASIC, version=version))
    found = protocol.get_user_settings(user=address, settings=["internal_ews_url", "external_ews_url"])
    return {"ews": (found.user_settings or {}).get("internal_ews_url"), "redirect": found.redirect_address}


for line in sys.stdin:
    result = {"mailbox": line.strip()}
    for ask in settings, calendar:
        try:
            result.update(ask(line.strip()))
        except errors.EWSError as e:
            result.update(error=type(e).__name__, text=str(e))
    print(json.dumps(result), flush=True)
