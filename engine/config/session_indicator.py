"""Session indicators as defined in a session file."""

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

from tapedeck.engine.config.catalogue import IndicatorType, catalogue_of
from tapedeck.engine.config.faults import fault
from tapedeck.engine.config.fields import BarInterval
from tapedeck.engine.config.names import IndicatorName
from tapedeck.engine.config.section import Section
from tapedeck.engine.intervals import Interval

_OWN_FIELDS = ("type", "interval", "against")


def _read_type(text: str, info: ValidationInfo) -> str:
    return catalogue_of(info).read_type(text).type


class SessionIndicator(Section):
    """One indicator on one interval, with all its parameters.

    In the file the parameters are on the level of `type`: `{type: SMA, interval: 1m, timeperiod: 20}`. The
    model has them in `parameters`, defaults included.
    """

    name: str
    """Name of the indicator: its key in the file."""
    type: Annotated[str, AfterValidator(_read_type)]
    """Type of the indicator, such as SMA, RSI, MACD or VWAP; `tapedeck config schema` lists all."""
    interval: BarInterval
    """Interval of its bars, made if it is not in `streams`; 1w: the complete weeks before the session."""
    against: Annotated[str | None, Field(validate_default=True)] = None
    """Historical indicator to compare with, for types that need one, such as RELATIVE_VOLUME."""
    parameters: Annotated[Mapping[str, int | float], Field(validate_default=True, default_factory=dict)]
    """All parameters of the type; those not given have their defaults."""

    @field_validator("interval")
    @classmethod
    def _check_interval(cls, interval: Interval, info: ValidationInfo) -> Interval:
        type_ = _type_in(info)
        if type_ is not None:
            type_.check_interval(interval)
        return interval

    @field_validator("against")
    @classmethod
    def _check_against(cls, against: str | None, info: ValidationInfo) -> str | None:
        type_ = _type_in(info)
        if type_ is None:
            return against
        if against is None and type_.against is not None:
            raise fault(f"is required for {type_.type}: the name of a historical indicator {type_.against}")
        if against is not None and type_.against is None:
            raise fault(f"must be left out: {type_.type} takes no historical indicator")
        return against

    @field_validator("parameters", mode="before")
    @classmethod
    def _resolve_parameters(
        cls, given: Mapping[str, object], info: ValidationInfo
    ) -> Mapping[str, int | float]:
        # Parameters of an unknown type cannot be checked; the type is reported.
        type_ = _type_in(info)
        return {} if type_ is None else type_.resolve_parameters(given, info.data.get("interval"))

    @model_serializer
    def _as_written(self) -> dict[str, Any]:
        against = {} if self.against is None else {"against": self.against}
        return {"type": self.type, "interval": str(self.interval), **self.parameters, **against}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the schema of the form in the file."""
        fields = cls.model_fields
        return {
            "type": "object",
            "description": "One indicator; its parameters are on the level of `type`.",
            "properties": {
                "type": {"description": fields["type"].description, "type": "string"},
                "interval": {
                    "description": fields["interval"].description,
                    **handler.resolve_ref_schema(handler(core))["properties"]["interval"],
                },
                "against": {"description": fields["against"].description, "type": "string"},
            },
            "required": ["type", "interval"],
            "additionalProperties": {
                "description": "A parameter of the type, such as timeperiod; matype by name or number.",
                "type": ["number", "string"],
            },
        }


def _type_in(info: ValidationInfo) -> IndicatorType | None:
    """Return the type read before this field, None if it is invalid."""
    type_ = info.data.get("type")
    return None if type_ is None else catalogue_of(info).read_type(type_)


def _split_definitions(value: object) -> object:
    """Return each definition split into the model's fields, parameters and the name."""
    if not isinstance(value, Mapping):
        return value
    return {name: _split_one(name, definition) for name, definition in value.items()}


def _split_one(name: object, definition: object) -> object:
    if not isinstance(definition, Mapping):
        return definition
    own = {field: definition[field] for field in _OWN_FIELDS if field in definition}
    return {"name": name, **own, "parameters": {k: v for k, v in definition.items() if k not in _OWN_FIELDS}}


SessionIndicators = Annotated[Mapping[IndicatorName, SessionIndicator], BeforeValidator(_split_definitions)]
