"""Benchmarks of the exporter, compared with a naive implementation and with the theoretical minimum."""
