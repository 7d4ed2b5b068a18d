"""From the ledger to the vendor: claim, drive the flow, decide, record."""
