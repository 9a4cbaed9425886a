package main

// examples are the commands that begin a command's help, by its name as it is typed. Each
// runs as it stands at an organization like the simulator's, with a server and a log-on in
// the variables of a session, in this order; in a shell of Unix and in PowerShell.
var examples = []struct {
	command string
	lines   []string
}{
	{"exgrant script grant", []string{
		`exgrant script grant --user 'CONTOSO\svc-reschedule' --scope-group 'Reschedule Users' -o grant.ps1 --undo undo.ps1`,
		`exgrant script grant -f grants.yaml -o scripts`,
	}},
	{"exgrant script revoke", []string{
		`exgrant script revoke --user 'CONTOSO\svc-reschedule' --scope-group 'Reschedule Users' -o revoke.ps1`,
	}},
	{"exgrant script status", []string{
		`exgrant script status --user 'CONTOSO\svc-reschedule' --scope-group 'Reschedule Users' -o status.ps1`,
	}},
	{"exgrant script audit", []string{`exgrant script audit -o audit.ps1`}},
	{"exgrant script office365", []string{`exgrant script office365 -o office365.ps1`}},
	{"exgrant script fieldtest", []string{`exgrant script fieldtest -o fieldtest.ps1`}},
	{"exgrant script check", []string{`exgrant script check grant.ps1 undo.ps1`}},
	{"exgrant plan", []string{
		`exgrant plan --user 'CONTOSO\svc-reschedule' --scope-group 'Reschedule Users'`,
		`exgrant plan --user 'CONTOSO\svc-reschedule' --scope-ou Staff --exit-code`,
		`exgrant plan -f grants.yaml -o plan.json`,
	}},
	{"exgrant apply", []string{
		`exgrant apply plan.json --report made.json --undo take-back.ps1`,
		`exgrant apply --user 'CONTOSO\svc-reschedule' --scope-group 'Reschedule Users'`,
	}},
	{"exgrant verify", []string{
		`exgrant verify --user 'CONTOSO\svc-reschedule' --scope-group 'Reschedule Users' --in-scope anna --out-of-scope boss`,
		`exgrant verify -f grants.yaml`,
	}},
	{"exgrant audit", []string{
		`exgrant audit`,
		`exgrant audit --format csv > holders.csv`,
	}},
	{"exgrant diagnose", []string{
		`exgrant diagnose --as svc-reschedule@contoso.test --in-scope anna@contoso.test --out-of-scope boss@contoso.test`,
	}},
	{"exgrant connect", []string{
		`exgrant connect`,
		`exgrant connect --server ex01.contoso.com --logon admin@CONTOSO.COM`,
	}},
	{"exgrant run", []string{
		`exgrant run grant.ps1 --transport winrs --server ex01.contoso.com --logon admin@CONTOSO.COM`,
		`exgrant run grant.ps1 --transport winrs --server ex01.contoso.com --logon admin@CONTOSO.COM -- -WhatIf`,
	}},
	{"exgrant report", []string{
		`exgrant report made.json`,
		`exgrant report made.json --format html > change.html`,
	}},
	{"exgrant explain", []string{
		`exgrant explain error.txt`,
		`exgrant explain mail.txt console.txt --json`,
	}},
	{"exgrant revoke", []string{
		`exgrant revoke --from made.json`,
		`exgrant revoke --user 'CONTOSO\svc-reschedule' --scope-group 'Reschedule Users'`,
	}},
	{"exgrant login", []string{`exgrant login --logon admin@CONTOSO.COM`}},
	{"exgrant logout", []string{`exgrant logout --logon admin@CONTOSO.COM`}},
	{"exgrant demo", []string{`exgrant demo`}},
	{"exgrant sim", []string{
		`exgrant sim`,
		`exgrant sim --list`,
		`exgrant sim --scenario wider-grant`,
	}},
	{"exgrant completion", []string{`exgrant completion bash > exgrant.bash`}},
	{"exgrant man", []string{`exgrant man > exgrant.1`}},
}

// examplesOf are the examples of a command, none where it has none.
func examplesOf(command string) []string {
	for _, e := range examples {
		if e.command == command {
			return e.lines
		}
	}
	return nil
}
