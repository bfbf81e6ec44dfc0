"""Requests as RFC 9112 has them, where h11 is lenient or leaves it to its user."""

import re

import h11

_HOST = re.compile(rb"(\[[0-9A-Fa-f:.]+(%[A-Za-z0-9._~%-]+)?\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(:[0-9]*)?")
_ABSOLUTE = re.compile(rb"https?://([^/?#]+)([^#]*)", re.IGNORECASE)
_ENCODED_SLASH = re.compile(rb"%2f", re.IGNORECASE)


class Requests(h11.Connection):
    """The server's side of a connection; what others could read otherwise is no request."""

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """Give what comes next.

        Raises:
            h11.RemoteProtocolError: it is nothing that may come.
        """
        event = super().next_event()
        return _in_origin_form(_checked(event)) if isinstance(event, h11.Request) else event


def _checked(request: h11.Request) -> h11.Request:
    headers = dict(request.headers)
    if not request.http_version.startswith(b"1."):
        raise h11.RemoteProtocolError("another version of HTTP")
    if b"transfer-encoding" in headers and (b"content-length" in headers or request.http_version == b"1.0"):
        raise h11.RemoteProtocolError("a proxy in between may see the end of the body elsewhere")
    if b"host" not in headers and request.http_version != b"1.0":
        raise h11.RemoteProtocolError("no Host")
    if not _HOST.fullmatch(headers.get(b"host", b"")):
        raise h11.RemoteProtocolError("no valid Host")
    return request


def _in_origin_form(request: h11.Request) -> h11.Request:
    """Give a request whose target is a path; the host in an absolute URL counts before the Host header."""
    target, host = request.target, b""
    if absolute := _ABSOLUTE.fullmatch(target):
        host, path = absolute.groups()
        if not _HOST.fullmatch(host):
            raise h11.RemoteProtocolError("no valid host in the target")
        target = path if path.startswith(b"/") else b"/" + path
    elif not target.startswith(b"/") and (request.method, target) != (b"OPTIONS", b"*"):
        raise h11.RemoteProtocolError("no valid target")
    path, mark, query = target.partition(b"?")
    target = _ENCODED_SLASH.sub(b"%252F", path) + mark + query  # decoded, it would be one that separates
    if target == request.target:
        return request
    headers = [pair for pair in request.headers if not host or pair[0] != b"host"]
    return h11.Request(
        method=request.method,
        target=target,
        headers=[(b"host", host), *headers] if host else headers,
        http_version=request.http_version,
    )
