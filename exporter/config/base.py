"""What every part of a configuration is: a frozen record that takes nothing but what it knows."""

from collections.abc import Iterable
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, model_validator

from exporter.config.fields import Broken, enforce


class Record(BaseModel):
    """A frozen part of the configuration; each field's description and example make its documentation.

    Attributes:
        decisive: of a whole configuration, the fields without which the rules between the others say nothing.
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
        """Return what is wrong between this record's fields, each sound by itself."""
        return ()

    @model_validator(mode="after")
    def _enforce_rules(self) -> Self:
        enforce(self.broken_rules())
        return self
