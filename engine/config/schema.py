"""JSON Schema of session files, for completion and checks in editors."""

from __future__ import annotations

from typing import Any

from tapedeck.engine.config.session_config import SessionConfig


def session_config_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of session files, with the indicators of the installed TA-Lib."""
    schema = SessionConfig.model_json_schema(by_alias=True)
    # A file may name its schema for editors; the loader ignores it.
    schema["properties"]["$schema"] = {
        "description": "Location of this schema; for editors.",
        "type": "string",
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
