"""The manifests in `deploy/`: what they render to, and the exporter started as they say."""
