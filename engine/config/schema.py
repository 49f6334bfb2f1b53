"""JSON Schema of session files, for completion and checks in editors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from tapedeck.engine.config.catalogue import IndicatorCatalogue
from tapedeck.engine.config.historical import HistoricalIndicator
from tapedeck.engine.config.parameters import RULE_VALUES
from tapedeck.engine.config.session_config import SessionConfig
from tapedeck.engine.config.session_indicator import SessionIndicator
from tapedeck.engine.config.strategies import EntrySize, Strategy

_REFERENCE: Final = {"type": "string", "pattern": r"^\$[A-Za-z_][A-Za-z0-9_]*$"}


def session_config_schema(catalogue: IndicatorCatalogue) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of session files; it names the indicators of the catalogue."""
    schema = SessionConfig.model_json_schema(by_alias=True)
    type_ = schema["$defs"][SessionIndicator.__name__]["properties"]["type"]
    # Completed by editors, but not limited to: a name may be written in small letters.
    type_["anyOf"] = [{"enum": list(catalogue.types())}, {"type": type_.pop("type")}]
    _allow_parameters(schema["$defs"])
    # A file may name its schema for editors; the loader ignores it.
    schema["properties"]["$schema"] = {
        "description": "Location of this schema; for editors.",
        "type": "string",
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _allow_parameters(definitions: Mapping[str, dict[str, Any]]) -> None:
    """Let the fields in which the value of a parameter may stand have the text `$name`, too."""
    fields: dict[type, Iterable[str]] = {
        Strategy: RULE_VALUES,
        EntrySize: EntrySize.model_fields,
        HistoricalIndicator: HistoricalIndicator.model_fields,
        SessionIndicator: ("interval",),
    }
    for model, names in fields.items():
        properties = definitions[model.__name__]["properties"]
        for name in names:
            properties[name] = _with_parameter(properties[name])


def _with_parameter(described: dict[str, Any]) -> dict[str, Any]:
    outer = ("description", "default", "title")
    allowed = {key: value for key, value in described.items() if key not in outer}
    if allowed.get("type") == "string" and not {"pattern", "enum", "format"} & allowed.keys():
        return described  # any text
    choices = allowed["anyOf"] if set(allowed) == {"anyOf"} else [allowed]
    return {key: described[key] for key in outer if key in described} | {"anyOf": [*choices, _REFERENCE]}
