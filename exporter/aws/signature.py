"""Signature Version 4 of requests without a body, as the AWS documentation describes it."""

import hmac
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote

from botocore.credentials import Credentials

ALGORITHM = "AWS4-HMAC-SHA256"
_NO_BODY = sha256(b"").hexdigest()
_UNESCAPED = "-_.~"


class Signer(NamedTuple):
    """What requests to one endpoint are signed for.

    Attributes:
        host: the value of the Host header.
        region: the Region of the signature.
        service: the service of the signature.
    """

    host: str
    region: str
    service: str

    def headers(self, path: str, query: str, credentials: Credentials, now: float) -> dict[str, str]:
        """Return the headers that sign a GET request.

        Args:
            path: the encoded path.
            query: the query string, as `query_string` returns it.
            credentials: sign the request.
            now: seconds since 1970.
        """
        date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        scope = f"{date[:8]}/{self.region}/{self.service}/aws4_request"
        headers = {"host": self.host, "x-amz-date": date}
        if credentials.token:
            headers["x-amz-security-token"] = credentials.token
        names = ";".join(headers)
        lines = "".join([f"{name}:{value.strip()}\n" for name, value in headers.items()])
        canonical = f"GET\n{quote(path, safe='/~')}\n{query}\n{lines}\n{names}\n{_NO_BODY}"
        to_sign = f"{ALGORITHM}\n{date}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        key = f"AWS4{credentials.secret_key}".encode()
        for part in (*scope.split("/"), to_sign):
            key = hmac.digest(key, part.encode(), "sha256")
        del headers["host"]  # the connection adds it
        headers["authorization"] = (
            f"{ALGORITHM} Credential={credentials.access_key}/{scope}, "
            f"SignedHeaders={names}, Signature={key.hex()}"
        )
        return headers


def encoded(text: str) -> str:
    """Encode a part of a path or of a query as signatures require."""
    return quote(text, safe=_UNESCAPED)


def query_string(parameters: Mapping[str, str]) -> str:
    """Return the query string, with the parameters in the order that signatures require."""
    return "&".join(sorted([f"{name}={encoded(value)}" for name, value in parameters.items()]))
