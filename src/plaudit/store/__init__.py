"""The store: configuration, events with their dispositions, the ledger of invitations, and cursors."""
