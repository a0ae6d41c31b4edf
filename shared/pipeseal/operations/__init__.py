"""What an operator does with the ledger and the dead letters, with their own permissions."""
