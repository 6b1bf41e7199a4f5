"""Query parameters that several endpoints take."""

from __future__ import annotations

from typing import Annotated

from ninja.params import functions

Limit = Annotated[int, functions.Query(ge=1, le=100, description="rows of one page")]
Cursor = Annotated[str, functions.Query(max_length=400, description="`next` of the page before")]
Words = Annotated[str, functions.Query(max_length=200, description="only what holds these characters")]
Offset = Annotated[int, functions.Query(ge=0, le=10**9, description="`next` of the page before")]
