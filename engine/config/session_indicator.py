"""Indicators that are computed while a session plays, as the file defines them."""

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
from tapedeck.engine.config.fields import SessionInterval
from tapedeck.engine.config.names import IndicatorName
from tapedeck.engine.config.section import Section
from tapedeck.engine.intervals import Interval

_OWN_FIELDS = ("type", "interval", "against")


def _read_type(text: str, info: ValidationInfo) -> str:
    return catalogue_of(info).read_type(text).type


class SessionIndicator(Section):
    """One indicator on one interval, its parameters complete.

    In the file the parameters stand beside `type`: `{type: SMA, interval: 1m, timeperiod: 20}`. Here they are
    `parameters`, all of them, defaults included.
    """

    name: str
    """Name under which the file has it; the key there, not a field."""
    type: Annotated[str, AfterValidator(_read_type)]
    """The kind of indicator, such as SMA, RSI, MACD or VWAP; `tapedeck config schema` lists all."""
    interval: SessionInterval
    """Interval of the bars it reads; it need not be in `streams`, the engine makes what is missing."""
    against: Annotated[str | None, Field(validate_default=True)] = None
    """The historical indicator to compare with, for types that compare, such as RELATIVE_VOLUME."""
    parameters: Annotated[Mapping[str, int | float], Field(validate_default=True, default_factory=dict)]
    """Every parameter of the type; one that is not given has its default."""

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
            raise fault(f"cannot be used with {type_.type}, which compares with no historical indicator")
        return against

    @field_validator("parameters", mode="before")
    @classmethod
    def _resolve_parameters(
        cls, given: Mapping[str, object], info: ValidationInfo
    ) -> Mapping[str, int | float]:
        # Of an unknown type no parameter can be judged; the type is reported.
        type_ = _type_in(info)
        return {} if type_ is None else type_.resolve_parameters(given, info.data.get("interval"))

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
            "description": "One indicator; its parameters stand beside `type`.",
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
    """Return the type that was read before this field, None where it was at fault."""
    type_ = info.data.get("type")
    return None if type_ is None else catalogue_of(info).read_type(type_)


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
