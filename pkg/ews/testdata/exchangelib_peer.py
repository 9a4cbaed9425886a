import datetime, json, logging, sys
from exchangelib import (Account, BASIC, Build, CalendarItem, Configuration, Credentials, EWSDateTime, EWSTimeZone,
                         FaultTolerance, IMPERSONATION, Version)
from exchangelib import errors
from exchangelib.protocol import BaseProtocol

# What exchangelib's users of a service account write: one configuration, an
# impersonated account for each mailbox.
url, user, password = sys.argv[1:4]
utc = EWSTimeZone("UTC")
start = EWSDateTime(2026, 11, 23, tzinfo=utc)
end = start + datetime.timedelta(days=14)
for line in sys.stdin:
    address = line.strip()
    result = {"mailbox": address}
    try:
        config = Configuration(service_endpoint=url, credentials=Credentials(user, password), auth_type=BASIC,
                               version=Version(build=Build(15, 0, 847, 0), api_version="Exchange2013_SP1"))
        account = Account(primary_smtp_address=address, config=config, autodiscover=False, access_type=IMPERSONATION,
                          default_timezone=utc)
        items = list(account.calendar.view(start=start, end=end).only("subject", "start"))
        result["items"] = [[i.start.isoformat(), i.subject] for i in items]
        result["freebusy"] = [v.merged for v in account.protocol.get_free_busy_info(
            accounts=[(account, "Required", False)], start=start, end=start + datetime.timedelta(days=7),
            merged_free_busy_interval=30, requested_view="MergedOnly")]
        new = CalendarItem(account=account, folder=account.calendar, subject="made by exchangelib", start=start, end=start + datetime.timedelta(hours=1))
        new.save()
        new.delete()
        result["build"] = str(account.version.build)
        result["resolved"] = [m.email_address for m in account.protocol.resolve_names(["ann"], search_scope="ActiveDirectory")]
    except errors.EWSError as e:
        result["error"], result["text"] = type(e).__name__, str(e)
    print(json.dumps(result), flush=True)
