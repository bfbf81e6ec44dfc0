"""Programs for those who work on the exporter; they are no part of it."""
