"""What a release consists of, and the workflows that make it."""
