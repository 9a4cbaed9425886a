package negotiate

// HasTicket reports whether the account's secret is a ticket cache with a
// ticket-granting ticket that has not ended. It contacts nobody.
func (a *Account) HasTicket() bool {
	cache, ok := a.source.(*cacheSource)
	if !ok {
		return false
	}
	tickets, err := cache.cachedTickets()
	if err != nil {
		return false
	}
	now := a.config.Now()
	for _, t := range tickets {
		if t.isTGT(t.crealm) && now.Before(t.ends) {
			return true
		}
	}
	return false
}

// ByWindows reports whether Windows logs on the user who is logged on to it.
func (a *Account) ByWindows() bool { return a.sspi }
