"""The demo of all services: what compose.yaml mounts, scrapes and shows fits together."""
