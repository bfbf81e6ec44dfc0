"""The documents say what the code says, and lead somewhere."""
