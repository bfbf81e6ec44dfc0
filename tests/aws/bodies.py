"""Bodies of answers, read as those of AWS Backup are."""

from functools import cache
from typing import Any

import botocore.session
from botocore.model import StructureShape

from exporter.aws.parsing import read_body

MODEL = botocore.session.get_session().get_service_model("backup")


@cache
def output(operation: str) -> StructureShape:
    """Give the shape of an operation's answer."""
    shape = MODEL.operation_model(operation).output_shape
    assert isinstance(shape, StructureShape)
    return shape


def taken(operation: str, body: bytes) -> dict[str, Any] | None:
    """Give what is read of an answer; nothing if it is left to botocore."""
    return read_body(body, output(operation))
