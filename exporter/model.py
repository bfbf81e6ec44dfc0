"""The records that flow through the exporter: plain, frozen, free of boto3 and of Prometheus."""

from dataclasses import dataclass
