"""Benchmarks: what the exporter costs, beside the literal way and beside the least that is possible."""
