"""The page of `pipeseal report`: the ledger as one HTML file; pure, from values to text."""
