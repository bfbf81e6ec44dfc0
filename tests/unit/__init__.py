"""One room at a time: the table of kinds, the ledger, the lines and how they are put together."""
