"""The runbook has a section for each alert, and its commands are those of the AWS CLI."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
import jmespath  # type: ignore[import-untyped] # has no types
import pytest
from botocore import xform_name
from botocore.model import OperationModel

from tests.docs.markdown import blocks, document
from tests.rules.checks import read

TEXT = document("docs/runbooks.md")
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^###? |\Z)", TEXT, re.MULTILINE | re.DOTALL))
PARTS = ["Meaning", "Check first", "Fix", "Silence"]
OF_THE_CLI = {"max-items", "query", "output"}


def commands() -> list[list[str]]:
    """Give the commands of the AWS CLI, word by word."""
    lines = (line for block in blocks(TEXT, "sh") for line in block.replace("\\\n", "").splitlines())
    return [shlex.split(line) for line in lines if line.startswith("aws ")]


def test_each_alert_has_a_section() -> None:
    """There is a section for each alert, and for nothing else."""
    assert list(SECTIONS) == [rule.name for rule in read() if rule.is_alert]


@pytest.mark.parametrize("alert", SECTIONS)
def test_each_section_says_what_to_do(alert: str) -> None:
    """A section says what the alert means, what to check, how to fix it and when to silence it."""
    assert re.findall(r"^\*\*([\w ]+)\.\*\*", SECTIONS[alert], re.MULTILINE) == PARTS


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_commands_exist(command: list[str]) -> None:
    """A command has an operation that AWS has, its options and all that it must have."""
    operation = _operation(*command[1:3])
    options = {word.removeprefix("--") for word in command[3:] if word.startswith("--")}
    members = (
        {xform_name(name, "-") for name in operation.input_shape.members} if operation.input_shape else set()
    )
    required = operation.input_shape.required_members if operation.input_shape else []

    assert options <= members | OF_THE_CLI
    assert {xform_name(name, "-") for name in required} <= options


@pytest.mark.parametrize("command", [words for words in commands() if "--query" in words], ids=" ".join)
def test_queries_name_fields_of_the_answer(command: list[str]) -> None:
    """Each field that a --query names is one of the operation's answer."""
    expression = jmespath.compile(command[command.index("--query") + 1])
    known = set(_fields(_operation(*command[1:3])))

    named = set(_names(expression.parsed))

    assert named
    assert named <= known


def test_values_are_those_of_aws() -> None:
    """A value of an option that takes one of a few is one of them."""
    told = [
        (command[command.index(option) + 1], values)
        for command in commands()
        for option, values in _choices(_operation(*command[1:3]))
        if option in command
    ]

    assert told
    assert all(value in values for value, values in told)


def _choices(operation: OperationModel) -> Iterator[tuple[str, list[str]]]:
    """Give the options that take one of a few values, and these."""
    members: dict[str, Any] = dict(operation.input_shape.members) if operation.input_shape else {}
    for name, shape in members.items():
        if getattr(shape, "enum", None):
            yield f"--{xform_name(name, '-')}", shape.enum


@cache
def _operation(service: str, name: str) -> OperationModel:
    model = botocore.session.get_session().get_service_model(service)
    names = {xform_name(operation, "-"): operation for operation in model.operation_names}
    assert name in names, f"aws {service} has no {name}"
    return model.operation_model(names[name])


def _fields(operation: OperationModel) -> Iterator[str]:
    """Give the name of each field of an answer, however deep."""
    waiting: list[Any] = [operation.output_shape]
    seen: set[str] = set()
    while waiting:
        shape = waiting.pop()
        if shape is None or shape.name in seen:
            continue
        seen.add(shape.name)
        if shape.type_name == "structure":
            yield from shape.members
            waiting += shape.members.values()
        elif shape.type_name == "list":
            waiting.append(shape.member)


def _names(node: dict[str, Any]) -> Iterator[str]:
    """Give the fields that a JMESPath expression names."""
    if node["type"] == "field":
        yield str(node["value"])
    for child in node["children"]:
        yield from _names(child)
