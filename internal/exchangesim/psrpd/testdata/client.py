"""Does with pypsrp what clients do, and tells what came back as one JSON object.

    client.py URL USER PASSWORD PERSON    what every restricted session does; PERSON has a mailbox
    client.py URL USER PASSWORD           that, and what the simulated organization does
"""
import json
import sys
import threading
import urllib.parse

from pypsrp.complex_objects import PSInvocationState
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

url, user, password = sys.argv[1:4]
person = sys.argv[4] if len(sys.argv) > 4 else "anna"
place = urllib.parse.urlparse(url)
report, raised = {}, {}


def connection():
    return WSMan(place.hostname, port=place.port, path="PowerShell", ssl=place.scheme == "https", auth="basic",
                 encryption="never", username=user, password=password, cert_validation=False, no_proxy=True)


def pipeline(pool, *commands):
    ps = PowerShell(pool)
    for name, parameters in commands:
        ps.add_cmdlet(name)
        for key, value in parameters.items():
            ps.add_parameter(key, value)
    return ps


def texts(values):
    return [str(v) for v in values]


def prop(value, name):
    v = {**value.adapted_properties, **value.extended_properties}.get(name)
    return str(v)


def tell(name, ps, output):
    states = {v: k for k, v in vars(PSInvocationState).items() if not k.startswith("_")}
    report[name] = {
        "state": states[ps.state],
        "output": output,
        "errors": [{"id": e.fq_error, "category": e.category, "reason": e.reason, "activity": e.activity,
                    "message": str(e.exception), "types": e.exception.types} for e in ps.streams.error],
        "warnings": [w.message for w in ps.streams.warning],
    }


def run(pool, name, commands, of=None):
    ps = pipeline(pool, *commands)
    try:
        output = ps.invoke()
    except Exception as e:  # what pypsrp makes of a pipeline that failed
        raised[name] = str(e)
        output = []
    tell(name, ps, [prop(v, of) for v in output if v is not None] if of else texts(output))
    return output


def session(pool):
    user = ("Get-User", {"Identity": "svc-reschedule"})
    run(pool, "user", [user], "SamAccountName")
    scope = {"Name": "Scope O'Brien & Söhne 漢字", "RecipientRestrictionFilter": "City -eq 'Berlin'", "Confirm": False}
    run(pool, "scope", [("New-ManagementScope", scope)], "Name")
    run(pool, "assignment", [("New-ManagementRoleAssignment", {
        "Name": "Python", "Role": "ApplicationImpersonation", "User": "svc-reschedule",
        "CustomRecipientWriteScope": scope["Name"], "Confirm": False})], "CustomRecipientWriteScope")
    run(pool, "whatif", [("Remove-ManagementRoleAssignment", {"Identity": "Python", "WhatIf": True})])
    run(pool, "again", [("Get-ManagementRoleAssignment", {"Identity": "Python"})], "RoleAssigneeType")
    run(pool, "piped", [("Get-ManagementRoleAssignment", {"Identity": "Python"}), ("Remove-ManagementRoleAssignment", {"Confirm": False})])
    run(pool, "gone", [("Get-ManagementRoleAssignment", {"Identity": "Python"})])
    run(pool, "warned", [("Set-ManagementScope", {"Identity": scope["Name"], "RecipientRestrictionFilter": "City -eq 'Berlin'"})])
    run(pool, "unknown parameter", [("Get-User", {"Nonsense": 1})])
    run(pool, "missing", [("Get-User", {"Identity": "nobody"})])
    run(pool, "everything", [("Get-User", {"ResultSize": "Unlimited"}), ("Measure-Object", {})], "Count")
    population = {"ResultSize": 5000, "Filter": "Department -eq 'Population'"}
    run(pool, "many", [("Get-Recipient", population), ("Select-Object", {"Property": "Name"})], "Name")
    report["many"]["output"] = [str(len(set(report["many"]["output"])))]


def manners(pool):
    get = ("Get-User", {"Identity": person})
    measured = ("Measure-Object", {})
    names = {"Name": ["Get-User", "Get-Mailbox", "Get-Nonsense*"]}
    run(pool, "unknown command", [("Get-Nonsense", {})])
    run(pool, "unknown command behind", [get, ("Get-Nonsense", {})])
    run(pool, "unknown command behind a proxy", [get, measured, ("Get-Nonsense", {})])
    run(pool, "nothing piped", [measured], "Count")
    run(pool, "commands", [("Get-Command", names)], "Name")
    report["commands"]["output"].sort()
    run(pool, "no such command", [("Get-Command", {"Name": "Get-Nonsense"})])
    run(pool, "selected", [("Get-Command", names), ("Select-Object", {"Property": ["Name", "CommandType"]})], "Name")
    report["selected"]["output"].sort()
    run(pool, "not selectable", [get, ("Select-Object", {"Property": ["SamAccountName"]})])
    run(pool, "not selectable by a script", [get, ("Select-Object", {"First": 1})])
    run(pool, "measured", [get, measured], "Count")
    run(pool, "not measurable", [get, ("Measure-Object", {"Sum": True})])
    run(pool, "default", [get, ("Out-Default", {})])
    run(pool, "formats", [("Get-FormatData", {"TypeName": "Nonsense"})])
    run(pool, "piped to what takes nothing", [get, ("Get-FormatData", {})])
    script(pool, "script", "1+1")
    script(pool, "script with a cmdlet", "Get-User | Where-Object { $_ }")
    script(pool, "script with one command", "Get-User")


def script(pool, name, text):
    ps = PowerShell(pool)
    ps.add_script(text)
    try:
        output = ps.invoke()
    except Exception as e:
        raised[name] = str(e)
        output = []
    tell(name, ps, texts(output))


def stopping(pool):
    ps = pipeline(pool, ("Get-Recipient", {"ResultSize": "Unlimited"}))
    ps.begin_invoke()
    ps.poll_invoke()
    ps.stop()
    tell("stopped", ps, ["some" if 0 < len(ps.output) < 50000 else str(len(ps.output))])
    run(pool, "after the stop", [("Get-User", {"Identity": "anna"})], "SamAccountName")


def concurrent():
    with RunspacePool(connection(), configuration_name="Microsoft.Exchange", max_runspaces=5) as pool:
        def work(i):
            run(pool, "concurrent %d" % i, [("Get-User", {"Identity": ["anna", "ben"][i % 2]})], "SamAccountName")
        threads = [threading.Thread(target=work, args=(i,)) for i in range(5)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()


with RunspacePool(connection(), configuration_name="Microsoft.Exchange") as pool:
    manners(pool)
    if len(sys.argv) == 4:
        session(pool)
        stopping(pool)
if len(sys.argv) == 4:
    concurrent()
json.dump({"pipelines": report, "raised": raised}, sys.stdout)
