"""The exporter's HTTP side: routes, and the server that carries them."""
