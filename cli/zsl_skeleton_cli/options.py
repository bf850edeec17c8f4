"""Command options made of a pydantic model: one ``--kebab-case`` option per field, with its default and description."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel, ValidationError

from zsl_skeleton.errors import UsageError

F = TypeVar("F", bound=Callable[..., None])


def takes(model: type[BaseModel], parameter: str = "options") -> Callable[[F], F]:
    """Replace the keyword ``parameter`` of a command by one option per field of ``model``.

    The command's last parameter must be ``**_``-free and named ``parameter``; it receives a validated model. A field
    that the command declares itself keeps the command's own option, whose value goes to both.
    """

    def wrap(command: F) -> F:
        def with_options(**values: Any) -> None:
            given = {name: values[name] if name in shared else values.pop(name) for name in model.model_fields}
            try:
                values[parameter] = model(**given)
            except ValidationError as error:
                problem = error.errors()[0]
                option = "--" + str(problem["loc"][0]).replace("_", "-")
                raise UsageError(f"{option} {given[str(problem['loc'][0])]}: {problem['msg']}") from error
            command(**values)

        signature = inspect.signature(command, eval_str=True)
        shared = signature.parameters.keys() & model.model_fields.keys()
        own = [item for item in signature.parameters.values() if item.name != parameter]
        extra = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=Annotated[field.annotation, typer.Option(help=field.description)],
            )
            for name, field in model.model_fields.items()
            if name not in shared
        ]
        parameters = [item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in own] + extra
        with_options.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        with_options.__annotations__ = {item.name: item.annotation for item in parameters}
        with_options.__name__, with_options.__doc__ = command.__name__, command.__doc__
        return with_options  # type: ignore[return-value]

    return wrap
