"""Tells what stands between the exporter and AWS: credentials, permissions, the network, and what to do."""

from exporter.doctor.examination import examine
from exporter.doctor.findings import Report
from exporter.doctor.writing import as_json, as_text

__all__ = ["Report", "as_json", "as_text", "examine"]
