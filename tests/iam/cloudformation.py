"""Evaluates a CloudFormation template for given parameters, as far as the templates here need it."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

PSEUDO: Mapping[str, Any] = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::URLSuffix": "amazonaws.com",
}
_NO_VALUE = object()


class _Loader(yaml.SafeLoader):
    """Reads the short form of the functions, such as `!Ref`."""


def _construct(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        raise AssertionError(f"no function takes a mapping: {node.start_mark}")
    return {"Ref" if tag == "Ref" else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _construct)


def load(text: str) -> dict[str, Any]:
    """Read a template."""
    template: dict[str, Any] = yaml.load(text, _Loader)
    return template


class Stack:
    """The resources of a template with these parameters; those whose condition is false are absent."""

    def __init__(self, text: str, **parameters: str) -> None:
        template = load(text)
        declared = template["Parameters"]
        assert parameters.keys() <= declared.keys()
        self._values = dict(PSEUDO)
        for name, parameter in declared.items():
            value = parameters.get(name, parameter.get("Default"))
            assert value is not None, f"{name} is required"
            assert value in parameter.get("AllowedValues", [value])
            assert re.fullmatch(parameter.get("AllowedPattern", ".*"), value)
            is_list = parameter["Type"] == "CommaDelimitedList"
            self._values[name] = value.split(",") if is_list else value
        self._conditions = template["Conditions"]
        self.resources: dict[str, Any] = {}
        for name, resource in template["Resources"].items():
            if self._holds(resource.get("Condition")):
                self.resources[name] = self._evaluate(resource["Properties"])
        rules = template.get("Rules", {}).values()
        self.failed_rules = [rule for rule in rules if not self._passes(rule)]

    def _passes(self, rule: Any) -> bool:
        applies = self._evaluate(rule["RuleCondition"])
        return not applies or all(self._evaluate(each["Assert"]) for each in rule["Assertions"])

    def _holds(self, condition: str | None) -> bool:
        return condition is None or bool(self._evaluate(self._conditions[condition]))

    def _evaluate(self, value: Any) -> Any:
        if isinstance(value, list):
            items = [self._evaluate(item) for item in value]
            return [item for item in items if item is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, argument)] = value.items()
            if name == "Ref" or name.startswith("Fn::"):
                return self._call(name, argument)
        values = {key: self._evaluate(item) for key, item in value.items()}
        return {key: item for key, item in values.items() if item is not _NO_VALUE}

    def _call(self, function: str, argument: Any) -> Any:
        if function == "Fn::If":
            condition, then, otherwise = argument
            return self._evaluate(then if self._holds(condition) else otherwise)
        if function == "Fn::Sub":
            return re.sub(r"\$\{([\w:]+)\}", lambda match: str(self._values[match[1]]), argument)
        if function == "Ref":
            return _NO_VALUE if argument == "AWS::NoValue" else self._values.get(argument, argument)
        evaluated = self._evaluate(argument)
        match function:
            case "Fn::Equals":
                return evaluated[0] == evaluated[1]
            case "Fn::Not":
                return not evaluated[0]
            case "Fn::Join":
                return evaluated[0].join(evaluated[1])
            case "Fn::GetAtt":
                return argument
        raise AssertionError(f"{function} is not supported here")
