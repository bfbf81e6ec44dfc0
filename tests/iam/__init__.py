"""The permissions that `deploy/aws` gives, held against the calls of the exporter."""
