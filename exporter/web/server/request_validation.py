"""Strict validation of HTTP requests as RFC 9112 defines it, where h11 is lenient."""

import re

import h11

_HOST = re.compile(rb"(\[[0-9A-Fa-f:.]+(%[A-Za-z0-9._~%-]+)?\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(:[0-9]*)?")
_ABSOLUTE = re.compile(rb"https?://([^/?#]+)([^#]*)", re.IGNORECASE)
_ENCODED_SLASH = re.compile(rb"%2f", re.IGNORECASE)


def validated(request: h11.Request) -> h11.Request:
    """Return the request with a path as its target.

    Raises:
        h11.RemoteProtocolError: the request is invalid or ambiguous.
    """
    return _in_origin_form(_checked(request))


def _checked(request: h11.Request) -> h11.Request:
    headers = dict(request.headers)
    if not request.http_version.startswith(b"1."):
        raise h11.RemoteProtocolError("unsupported HTTP version")
    if b"transfer-encoding" in headers and (b"content-length" in headers or request.http_version == b"1.0"):
        raise h11.RemoteProtocolError("ambiguous message length; a proxy may interpret it differently")
    if b"host" not in headers and request.http_version != b"1.0":
        raise h11.RemoteProtocolError("missing Host header")
    if not _HOST.fullmatch(headers.get(b"host", b"")):
        raise h11.RemoteProtocolError("invalid Host header")
    return request


def _in_origin_form(request: h11.Request) -> h11.Request:
    """Convert the request target to a path; the host of an absolute URL overrides the Host header."""
    target, host = request.target, b""
    if absolute := _ABSOLUTE.fullmatch(target):
        host, path = absolute.groups()
        if not _HOST.fullmatch(host):
            raise h11.RemoteProtocolError("invalid host in the request target")
        target = path if path.startswith(b"/") else b"/" + path
    elif not target.startswith(b"/") and (request.method, target) != (b"OPTIONS", b"*"):
        raise h11.RemoteProtocolError("invalid request target")
    path, separator, query = target.partition(b"?")
    # Starlette decodes the path once; an encoded slash must not become a path separator.
    target = _ENCODED_SLASH.sub(b"%252F", path) + separator + query
    if target == request.target:
        return request
    headers = [pair for pair in request.headers if not host or pair[0] != b"host"]
    return h11.Request(
        method=request.method,
        target=target,
        headers=[(b"host", host), *headers] if host else headers,
        http_version=request.http_version,
    )
