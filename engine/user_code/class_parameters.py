"""Classes of a session file with their parameters, each a pydantic model of the class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from tapedeck.engine.config.problems import value_message
from tapedeck.engine.errors import ConfigProblem, listed, nearest
from tapedeck.engine.user_code.user_classes import UserClass, UserClassError, load_user_class


class NoParameters(BaseModel):
    """Parameters without fields, and the base of those with fields: immutable; unknown names are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HasParameters(Protocol):
    """A class with a model of its parameters."""

    Parameters: ClassVar[type[BaseModel]]


Base = TypeVar("Base", bound=HasParameters)


class UserCodeFaultsError(Exception):
    """Faults of one class of a session file, or of its parameters."""

    def __init__(self, *problems: ConfigProblem) -> None:
        super().__init__(problems)
        self.problems = problems


def loaded_with_parameters(
    reference: str, values: Mapping[str, JsonValue], folder: Path, base: type[Base], path: str, field: str
) -> tuple[UserClass[Base], BaseModel]:
    """Return a class as `load_user_class`, and its parameters, made of `values`.

    `path`: of the entry in the session file; `field`: the one that names the class. Raises
    UserCodeFaultsError.
    """
    try:
        found = load_user_class(reference, folder, base)
    except UserClassError as error:
        problem = ConfigProblem(f"{path}.{field}", reference, str(error), error.suggestion)
        raise UserCodeFaultsError(problem) from error
    return found, _parameters(found.loaded, values, f"{path}.parameters")


def _parameters(owner: type[HasParameters], values: Mapping[str, JsonValue], path: str) -> BaseModel:
    model = owner.Parameters
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        message = f"{owner.__name__}.Parameters must be a pydantic model, not {model!r:.60}"
        raise UserCodeFaultsError(ConfigProblem(path, None, message))
    fields = [info.alias or name for name, info in model.model_fields.items()]
    unknown: list[str] = []
    if model.model_config.get("extra") != "allow":
        unknown = [name for name in values if name not in fields and name not in model.model_fields]
    problems = [_unknown(name, fields, f"{path}.{name}") for name in unknown]
    try:
        parameters = model.model_validate({name: values[name] for name in values if name not in unknown})
    except ValidationError as error:
        raise UserCodeFaultsError(*problems, *_invalid(error, path)) from error
    except Exception as error:  # of a validator of users'
        problem = ConfigProblem(path, None, f"{type(error).__name__}: {error}")
        raise UserCodeFaultsError(*problems, problem) from error
    if problems:
        raise UserCodeFaultsError(*problems)
    return parameters


def _unknown(name: str, fields: list[str], path: str) -> ConfigProblem:
    message = f"unknown parameter {name!r}: this class has {listed(fields)}."
    return ConfigProblem(path, None, message, nearest(name, fields))


def _invalid(error: ValidationError, path: str) -> Iterator[ConfigProblem]:
    for detail in error.errors(include_url=False):
        place = ".".join((path, *map(str, detail["loc"])))
        if detail["type"] == "missing":
            yield ConfigProblem(place, None, "is required by the class, but missing.")
        else:
            message, suggestion = value_message(detail)
            yield ConfigProblem(place, detail["input"], message, suggestion)
