"""What can go wrong, and what the user sees of it."""
