"""The errors AWS Backup answers with, as exceptions that know their own HTTP answer."""

import json


class ApiError(Exception):
    """An error answer in AWS's rest-json form: `code` and `message`, with an HTTP `status`."""

    content_type = "application/json"

    def __init__(self, code: str, status: int = 400, message: str = "") -> None:
        super().__init__(code, status, message)
        self.code = code
        self.status = status
        self.message = message

    @property
    def headers(self) -> dict[str, str]:
        """The HTTP headers that tell a client which error this is."""
        return {"Content-Type": self.content_type, "x-amzn-ErrorType": self.code}

    @property
    def body(self) -> str:
        """The HTTP body."""
        return json.dumps({"Code": self.code, "message": self.message})


class RawAnswerError(ApiError):
    """An answer AWS would never give: any status and body, such as a proxy's HTML page or JSON cut short."""

    def __init__(self, body: str, status: int = 200, content_type: str = "text/html") -> None:
        super().__init__("RawAnswer", status, body)
        self.content_type = content_type

    @property
    def headers(self) -> dict[str, str]:
        """The content type alone: nothing says that this is an error."""
        return {"Content-Type": self.content_type}

    @property
    def body(self) -> str:
        """The body as it was given."""
        return self.message


def not_found(what: str) -> ApiError:
    """Say that AWS knows no such thing."""
    return ApiError("ResourceNotFoundException", 400, f"{what} does not exist")


def invalid_value(message: str) -> ApiError:
    """Say that a parameter's value is out of its range or malformed."""
    return ApiError("InvalidParameterValueException", 400, message)


def missing_value(parameter: str) -> ApiError:
    """Say that a required parameter is absent."""
    return ApiError("MissingParameterValueException", 400, f"{parameter} is required")


def invalid_request(message: str) -> ApiError:
    """Say that the operation does not fit the state of what it is asked for."""
    return ApiError("InvalidRequestException", 400, message)


def throttled() -> ApiError:
    """Say that a quota is used up."""
    return ApiError("ThrottlingException", 400, "Rate exceeded")


def unknown_operation(operation: str | None) -> ApiError:
    """Say that neither the simulator nor moto answers this operation."""
    return ApiError("UnknownOperationException", 404, f"not simulated: {operation}")
