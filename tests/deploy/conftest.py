from tests.e2e.conftest import aws, listen, run

__all__ = ["aws", "listen", "run"]
