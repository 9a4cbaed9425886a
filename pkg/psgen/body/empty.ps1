# if: scoped
        if (-not ($Grant.scope.recipients -or $AllowEmpty)) { throw 'conflict: Nobody is in it: see -AllowEmpty.' }
# end
