"""The error responses of AWS Backup, as exceptions that provide the HTTP response."""

import json


class ApiError(Exception):
    """An error response in the rest-json protocol: `code`, `message` and HTTP `status`."""

    content_type = "application/json"

    def __init__(self, code: str, status: int = 400, message: str = "") -> None:
        super().__init__(code, status, message)
        self.code = code
        self.status = status
        self.message = message

    @property
    def headers(self) -> dict[str, str]:
        """The HTTP headers with the error code."""
        return {"Content-Type": self.content_type, "x-amzn-ErrorType": self.code}

    @property
    def body(self) -> str:
        """The HTTP body."""
        return json.dumps({"Code": self.code, "message": self.message})


class RawAnswerError(ApiError):
    """A response with any status and body, such as an HTML page of a proxy or truncated JSON."""

    def __init__(self, body: str, status: int = 200, content_type: str = "text/html") -> None:
        super().__init__("RawAnswer", status, body)
        self.content_type = content_type

    @property
    def headers(self) -> dict[str, str]:
        """The content type only, without an error code."""
        return {"Content-Type": self.content_type}

    @property
    def body(self) -> str:
        """The HTTP body."""
        return self.message


def not_found(what: str) -> ApiError:
    """Create the error for an object that does not exist."""
    return ApiError("ResourceNotFoundException", 400, f"{what} does not exist")


def invalid_value(message: str) -> ApiError:
    """Create the error for an invalid parameter value."""
    return ApiError("InvalidParameterValueException", 400, message)


def missing_value(parameter: str) -> ApiError:
    """Create the error for a missing required parameter."""
    return ApiError("MissingParameterValueException", 400, f"{parameter} is required")


def invalid_request(message: str) -> ApiError:
    """Create the error for an operation that the state of the object does not allow."""
    return ApiError("InvalidRequestException", 400, message)


def throttled() -> ApiError:
    """Create the error for an exceeded quota."""
    return ApiError("ThrottlingException", 400, "Rate exceeded")


def unknown_operation(operation: str | None) -> ApiError:
    """Create the error for an operation that neither the simulator nor moto implements."""
    return ApiError("UnknownOperationException", 404, f"not simulated: {operation}")


def access_denied(message: str) -> ApiError:
    """Create the error of STS for a role that may not be assumed."""
    return ApiError("AccessDenied", 403, message)
