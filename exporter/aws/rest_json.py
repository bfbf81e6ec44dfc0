"""Builds GET requests of the REST-JSON protocol from the service model.

botocore does the same, but takes more CPU time for it than for the rest of a call.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from exporter.aws.signature import encoded, query_string


@dataclass(frozen=True, slots=True)
class GetOperation:
    """How to request one operation, and what it returns.

    Attributes:
        path: the path, with a placeholder for each label (`/backup-jobs/{backupJobId}`).
        labels: the placeholders, by parameter.
        query: the names in the query string, by parameter.
        times: the parameters that are times, in seconds since 1970.
        output: the shape of the response.
    """

    path: str
    labels: Mapping[str, str]
    query: Mapping[str, str]
    times: Collection[str]
    output: Any

    @classmethod
    def of(cls, model: Any) -> "GetOperation":
        """Read the model of an operation.

        Raises:
            ValueError: the operation needs more than a path and a query.
        """
        path = model.http["requestUri"]
        if model.http["method"] != "GET" or "?" in path:
            raise ValueError(f"{model.name} is not a plain GET request")
        members = model.input_shape.members if model.input_shape else {}
        names: dict[str, dict[str, str]] = {"uri": {}, "querystring": {}}
        for name, member in members.items():
            place = member.serialization
            if place.get("location") not in names:
                raise ValueError(f"{model.name}.{name} is neither in the path nor in the query")
            names[place["location"]][name] = place.get("name", name)
        times = frozenset(name for name, member in members.items() if member.type_name == "timestamp")
        return cls(path, names["uri"], names["querystring"], times, model.output_shape)

    def target(self, parameters: Mapping[str, Any]) -> tuple[str, str]:
        """Return the encoded path and the query string of a request."""
        path = self.path
        for name, label in self.labels.items():
            path = path.replace(f"{{{label}}}", encoded(parameters[name]))
        query = {
            self.query[name]: _time(value) if name in self.times else _text(value)
            for name, value in parameters.items()
            if name not in self.labels
        }
        return path, query_string(query)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()}Z"
