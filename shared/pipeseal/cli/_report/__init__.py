"""The report: what the ledger holds as one page for managers and engineers; pure, from values to HTML."""
