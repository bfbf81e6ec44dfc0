"""What the repository holds beside the code."""
