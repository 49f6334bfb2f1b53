"""Indicators that are computed while a session plays: TA-Lib's by name, and tapedeck's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from tapedeck.engine.config.faults import fault
from tapedeck.engine.config.fields import SessionInterval
from tapedeck.engine.config.names import IndicatorName
from tapedeck.engine.config.section import Section
from tapedeck.engine.config.talib_catalogue import (
    RELATIVE_VOLUME,
    describe_indicator,
    indicator_types,
    read_indicator_type,
    resolve_parameters,
)
from tapedeck.engine.intervals import MINUTE, Interval

_OWN_FIELDS = ("type", "interval", "against")


class SessionIndicator(Section):
    """One indicator on one interval, its parameters complete.

    In the file the parameters stand beside `type`, under TA-Lib's names: `{type: SMA, interval: 1m,
    timeperiod: 20}`. Here they are `parameters`, all of them, TA-Lib's defaults included.
    """

    name: str
    """Name under which the file has it; the key there, not a field."""
    type: Annotated[str, AfterValidator(read_indicator_type)]
    """A TA-Lib function such as SMA, RSI, MACD, or VWAP, SESSION_HIGH, SESSION_LOW, RELATIVE_VOLUME."""
    interval: SessionInterval
    """Interval of the bars it reads; it need not be in `streams`, the engine makes what is missing."""
    against: Annotated[str | None, Field(validate_default=True)] = None
    """RELATIVE_VOLUME only: the historical trailing_average of volume, by the minute, to compare with."""
    parameters: Annotated[Mapping[str, int | float], Field(validate_default=True, default_factory=dict)]
    """Every parameter of the function under TA-Lib's name; one that is not given has TA-Lib's default."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Full names of what it gives: its own name, or `name_output` for each of several outputs."""
        return output_names(self.name, self.type)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Columns of bars that it reads, in the order in which TA-Lib takes them."""
        return describe_indicator(self.type).inputs

    @field_validator("interval")
    @classmethod
    def _check_interval(cls, interval: Interval, info: ValidationInfo) -> Interval:
        if info.data.get("type") == RELATIVE_VOLUME and interval != MINUTE:
            raise fault(
                f"must be 1m for {RELATIVE_VOLUME}, whose average is by the minute, not '{interval}'", "1m"
            )
        return interval

    @field_validator("against")
    @classmethod
    def _check_against(cls, against: str | None, info: ValidationInfo) -> str | None:
        type_ = info.data.get("type", RELATIVE_VOLUME if against else "")
        if against is None and type_ == RELATIVE_VOLUME:
            raise fault(
                f"is required for {RELATIVE_VOLUME}: the name of a historical indicator "
                "{type: trailing_average, granularity: minute, field: volume}"
            )
        if against is not None and type_ != RELATIVE_VOLUME:
            raise fault(f"is for {RELATIVE_VOLUME} only, and {type_} does not compare with {against!r}")
        return against

    @field_validator("parameters", mode="before")
    @classmethod
    def _resolve_parameters(
        cls, given: Mapping[str, object], info: ValidationInfo
    ) -> Mapping[str, int | float]:
        # Of an unknown type no parameter can be judged; the type is reported.
        return resolve_parameters(info.data["type"], given) if "type" in info.data else {}

    @model_serializer
    def _as_written(self) -> dict[str, Any]:
        against = {} if self.against is None else {"against": self.against}
        return {"type": self.type, "interval": str(self.interval), **self.parameters, **against}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the form in which the file has it."""
        fields = cls.model_fields
        return {
            "type": "object",
            "description": "One indicator; TA-Lib's parameters stand beside `type`, under TA-Lib's names.",
            "properties": {
                "type": {
                    "description": fields["type"].description,
                    "anyOf": [{"enum": list(indicator_types())}, {"type": "string"}],
                },
                "interval": {
                    "description": fields["interval"].description,
                    **handler.resolve_ref_schema(handler(core))["properties"]["interval"],
                },
                "against": {"description": fields["against"].description, "type": "string"},
            },
            "required": ["type", "interval"],
            "additionalProperties": {
                "description": "A parameter of the function, such as timeperiod; matype by name or number.",
                "type": ["number", "string"],
            },
        }


def output_names(name: str, type_: str) -> tuple[str, ...]:
    """Return the full names of the outputs of an indicator called `name`, of a type in capitals."""
    outputs = describe_indicator(type_).outputs
    return (name,) if len(outputs) == 1 else tuple(f"{name}_{output}" for output in outputs)


def _split_definitions(value: object) -> object:
    """Set apart what the model has fields for and what are parameters, and tell each its name."""
    if not isinstance(value, Mapping):
        return value
    return {name: _split_one(name, definition) for name, definition in value.items()}


def _split_one(name: object, definition: object) -> object:
    if not isinstance(definition, Mapping):
        return definition
    own = {field: definition[field] for field in _OWN_FIELDS if field in definition}
    return {"name": name, **own, "parameters": {k: v for k, v in definition.items() if k not in _OWN_FIELDS}}


SessionIndicators = Annotated[Mapping[IndicatorName, SessionIndicator], BeforeValidator(_split_definitions)]
