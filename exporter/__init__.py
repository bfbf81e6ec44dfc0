"""A Prometheus exporter for AWS Backup."""

__version__ = "0.1.0"
