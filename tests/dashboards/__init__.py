"""The Grafana dashboards: what they ask is what the exporter tells, and what they show is true."""
