.NOTES
    script-format: 2
    form: {{form}}
    sha256: {{sha256}}
    body-sha256: {{body-sha256}}
# if: office365
    Run it after Connect-ExchangeOnline, as a member of Organization Management.
# end
# if: audit fieldtest
    Run it in the Exchange Management Shell, as somebody who may read role assignments.
# end
# if: status
    Run it in the Exchange Management Shell, with the roles View-Only Configuration and View-Only Recipients. It
    changes nothing; it only widens the session's view to the whole forest, and puts that back.
# end
# if: grant revoke undo
    Run it in the Exchange Management Shell, first with -WhatIf, as a member of Organization Management, or with
    the roles Role Management and View-Only Recipients and the right to assign this one.
# end
