"""From the log to the ledger: a batch of events, and all that follows from them, in one transaction."""
