"""The body of POST /sessions: JSON, or a form that also brings files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeVar

import pydantic
from django.http import HttpRequest, QueryDict
from ninja.errors import HttpError
from ninja.parser import Parser

from research.api.problems import FieldError, RefusedFields, refuse
from research.artifacts import Options
from research.conf import conf
from research.schemas import Incoming, SessionIn

B = TypeVar("B", bound=Incoming)

FORM = "multipart/form-data"
FILES = "files"
_LISTS = ("documents", "collections", "engines")
OF_THE_PAGE = "csrfmiddlewaretoken"


@dataclass(frozen=True)
class Asked:
    body: SessionIn
    options: Options


def is_form(request: HttpRequest) -> bool:
    return request.content_type in (FORM, "application/x-www-form-urlencoded")


def read(request: HttpRequest) -> Asked:
    """RefusedFields names every field that is not right."""
    if not is_form(request):
        body = read_json(SessionIn, request.body)
        return Asked(body, options_of(body))
    refuse_strange_files(request)
    try:
        body = SessionIn.model_validate(_fields(request.POST))
    except pydantic.ValidationError as error:
        raise refuse(error) from error
    return Asked(body, options_of(body))


def read_json(kind: type[B], text: bytes) -> B:
    """Python's reader first: it keeps half a character as it is, so that the error can name the field."""
    try:
        return kind.model_validate(json.loads(text))
    except pydantic.ValidationError as error:
        raise refuse(error) from error
    except (ValueError, RecursionError) as error:
        raise HttpError(400, "") from error


class BodyParser(Parser):
    """A page's form may call a verb as a program's JSON does."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        if not is_form(request):
            return super().parse_body(request)
        return {name: value for name, value in request.POST.dict().items() if value and name != OF_THE_PAGE}


def _fields(form: QueryDict) -> dict[str, Any]:
    """An empty field of a form is one that was not filled in."""
    fields: dict[str, Any] = {}
    for name, values in form.lists():
        filled = [value for value in values if value != ""]
        if name in _LISTS and filled:
            fields[name] = filled
        elif name == "prompt" or (filled and name != OF_THE_PAGE):
            fields[name] = values[-1]
    return fields


def refuse_strange_files(request: HttpRequest) -> None:
    strange = sorted(set(request.FILES) - {FILES})
    if strange:
        raise RefusedFields(
            [FieldError(detail=f"Files come in the field {FILES!r}.", pointer="/" + strange[0][:100])]
        )


def options_of(body: SessionIn) -> Options:
    """What was chosen, and the settings where nothing was."""
    chosen = conf()
    llm = chosen.llm if body.llm is None else body.llm
    return Options(
        documents=body.documents,
        collections=body.collections,
        engines=chosen.engines if body.engines is None else body.engines,
        llm=llm,
        max_results=body.max_results,
        max_sections=body.max_sections,
        approve_plan=body.approve_plan,
        checkpoints=chosen.checkpoints,
    )


def with_documents(options: Options, added: list[str]) -> Options:
    """Documents that came with the question are among those it is asked of."""
    if not added:
        return options
    return options.model_copy(update={"documents": [*options.documents, *added]})


# Ninja reads neither of the two bodies itself, so it is told what to write into the docs.
DOCUMENTED: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": SessionIn.model_json_schema()},
            FORM: {
                "schema": {
                    "type": "object",
                    "required": ["prompt"],
                    "properties": {
                        **SessionIn.model_json_schema()["properties"],
                        FILES: {"type": "array", "items": {"type": "string", "format": "binary"}},
                    },
                }
            },
        },
    }
}
