package planted

// accountBugs are about a target whose account becomes another one.
var accountBugs = []Bug{
	{"another_account_carried_to", "what is linked to the records of one account is carried to another one", "internal/pipeline/dispatch.go",
		`	if why, err := f.barred(ctx); err != nil || why != "" {
		return nil, claimWindow{}, err`, `	if why, err := f.barred(ctx); !ON && (err != nil || why != "") {
		return nil, claimWindow{}, err`},
	{"another_account_noted", "another account is noted as the one that the links are of", "proof/oracle/accounts.go",
		`&& was.Key != a.Key && kept {`, `&& was.Key != a.Key && kept && !ON {`},
	{"another_account_remembered", "what was seen and written in another account counts when its links are gone", "proof/oracle/accounts.go",
		`	if len(moved) > 0 {`, `	if len(moved) > 0 && !ON {`},
}
