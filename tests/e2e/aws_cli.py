"""Runs the AWS CLI commands of the runbook on a simulated account, by botocore."""

import re
import shlex
from collections.abc import Mapping
from string import Template
from typing import Any

import jmespath  # type: ignore[import-untyped] # has no types
from botocore import xform_name
from botocore.session import Session

from tests.docs.markdown import blocks, document
from tests.e2e.process import REGION

_SECTION = re.compile(r"^### (\w+)\n(.*?)(?=^###? |\Z)", re.MULTILINE | re.DOTALL)
RUNBOOKS = dict(_SECTION.findall(document("docs/runbooks.md")))


def commands_of(alert: str) -> list[str]:
    """Return the commands in the section of an alert, in order."""
    lines = (
        line for block in blocks(RUNBOOKS[alert], "sh") for line in block.replace("\\\n", "").splitlines()
    )
    return [line for line in lines if line.startswith("aws ")]


def queries_of(alert: str) -> list[str]:
    """Return the PromQL queries in the section of an alert."""
    return blocks(RUNBOOKS[alert], "promql")


def run(command: str, variables: Mapping[str, str], endpoint_url: str) -> Any:
    """Run a command with these shell variables; return its result, not yet formatted as text.

    Raises:
        KeyError: a variable is not set.
    """
    service, operation, *rest = shlex.split(Template(command).substitute(variables))[1:]
    options = {name.removeprefix("--"): value for name, value in zip(rest[::2], rest[1::2], strict=True)}
    query, most = options.pop("query", "@"), int(options.pop("max-items", 1000))
    options.pop("output", None)
    session = Session()
    session.set_credentials("test", "test")
    client = session.create_client(service, REGION, endpoint_url=endpoint_url)
    name = client.meta.method_to_api_mapping[operation.replace("-", "_")]
    shape: Any = client.meta.service_model.operation_model(name).input_shape
    members = {xform_name(member, "-"): (member, of.type_name) for member, of in shape.members.items()}
    parameters = {
        members[option][0]: [value] if members[option][1] == "list" else value
        for option, value in options.items()
    }
    answer = getattr(client, operation.replace("-", "_"))(**parameters)
    answer.pop("ResponseMetadata")
    found = jmespath.search(query, answer)
    return found[:most] if isinstance(found, list) else found
