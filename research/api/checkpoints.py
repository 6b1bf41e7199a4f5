"""One checkpoint: what it is and what it holds, never its blob."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router

from research import queries
from research.api.auth import door, user_of
from research.schemas import CheckpointContent

router = Router(tags=["checkpoints"])


@router.get("/{uuid:checkpoint_id}", auth=door("read"), response=CheckpointContent, by_alias=True)
def show_checkpoint(request: HttpRequest, checkpoint_id: UUID) -> dict[str, Any]:
    """Read through every check; a file that fails one answers with the check's name."""
    row = queries.get_checkpoint(user_of(request), checkpoint_id)
    return {**queries.checkpoint_details(row), "content": queries.checkpoint_content(row)}
