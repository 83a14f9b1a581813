"""The expectations there are: a decorator on a plain function is all the declaration there is."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

import pydantic

from seclab.data_checks.table import Finding
from seclab.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class ExpectationType:
    """A kind of expectation.

    Attributes:
        name: Name of the function, and ``type`` in the JSON of a suite.
        function: ``function(table, **kwargs) -> Finding``.
        why: Why it matters when it fails, one or two sentences.
        parameters: Model of its keyword arguments.
        suspects: Whether the rows that it names are suspicious by themselves, so that a failure
            puts them into quarantine and stops nothing once people have released them.
    """

    name: str
    function: Callable[..., Finding]
    why: str
    parameters: type[pydantic.BaseModel]
    suspects: bool = True

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The keyword arguments that a suite has to give, all of them."""
        return tuple(self.parameters.model_fields)

    def problems(self, kwargs: Mapping[str, Any]) -> list[str]:
        """What is wrong with keyword arguments; empty when nothing is."""
        try:
            self.parameters.model_validate(dict(kwargs))
        except pydantic.ValidationError as error:
            return problems_of(error)
        return []


_TYPES: dict[str, ExpectationType] = {}
_Function = TypeVar("_Function", bound=Callable[..., Finding])


def expectation(*, why: str, suspects: bool = True) -> Callable[[_Function], _Function]:
    """Declare a function as an expectation.

    Its keyword-only parameters become the ``kwargs`` of the suite, checked against their
    annotations. None may have a default: what is not in the suite is not in the evidence.

    Args:
        why: Why it matters when it fails, one or two sentences.
        suspects: Whether the rows that it names are suspicious by themselves.

    Raises:
        Misconfigured: A name taken twice, a parameter with a default.
    """

    def declare(function: _Function) -> _Function:
        name = function.__name__
        keywords = [
            parameter
            for parameter in inspect.signature(function).parameters.values()
            if parameter.kind is parameter.KEYWORD_ONLY
        ]
        problems = [
            f"expectation {name}: {parameter.name} has a default; a suite must state it"
            for parameter in keywords
            if parameter.default is not parameter.empty
        ]
        if name in _TYPES:
            problems.append(f"expectation {name} is declared twice")
        if problems:
            raise Misconfigured(problems)
        hints = get_type_hints(function, include_extras=True)
        fields: dict[str, Any] = {item.name: (hints[item.name], ...) for item in keywords}
        configuration = pydantic.ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
        parameters = pydantic.create_model(name, __config__=configuration, **fields)
        _TYPES[name] = ExpectationType(name, function, why, parameters, suspects)
        return function

    return declare


def types() -> Mapping[str, ExpectationType]:
    """Every kind of expectation by name. Importing :mod:`seclab.data_checks` fills it."""
    return dict(sorted(_TYPES.items()))


def problems_of(error: pydantic.ValidationError) -> list[str]:
    """One line per problem: where, and what."""
    return [f"{_place(found['loc'])}: {found['msg']}" for found in error.errors()]


def _place(location: tuple[int | str, ...]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return "".join(steps).removeprefix(".") or "the whole"
