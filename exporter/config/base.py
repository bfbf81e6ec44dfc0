"""The base class of all sections of a configuration: a frozen record that rejects unknown keys."""

from collections.abc import Iterable
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, model_validator

from exporter.config.fields import Broken, enforce


class Record(BaseModel):
    """A frozen section of the configuration; its documentation is generated from its field docstrings.

    Attributes:
        decisive: fields of the top-level record that the rules between the other fields depend on.
    """

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    decisive: ClassVar[frozenset[str]] = frozenset()

    def broken_rules(self) -> Iterable[Broken]:
        """Return the violated rules between fields that are valid individually."""
        return ()

    @model_validator(mode="after")
    def _enforce_rules(self) -> Self:
        enforce(self.broken_rules())
        return self
