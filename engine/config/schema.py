"""JSON Schema of session files, for completion and checks in editors."""

from __future__ import annotations

from typing import Any

from tapedeck.engine.config.catalogue import IndicatorCatalogue
from tapedeck.engine.config.session_config import SessionConfig
from tapedeck.engine.config.session_indicator import SessionIndicator


def session_config_schema(catalogue: IndicatorCatalogue) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of session files; it names the indicators of the catalogue."""
    schema = SessionConfig.model_json_schema(by_alias=True)
    type_ = schema["$defs"][SessionIndicator.__name__]["properties"]["type"]
    # Completed by editors, but not limited to: a name may be written in small letters.
    type_["anyOf"] = [{"enum": list(catalogue.types())}, {"type": type_.pop("type")}]
    # A file may name its schema for editors; the loader ignores it.
    schema["properties"]["$schema"] = {
        "description": "Location of this schema; for editors.",
        "type": "string",
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
