"""The JSON API as one object, mounted by urls.py."""

from __future__ import annotations

from ninja import NinjaAPI

from prowzi_site import __version__
from research.api import asking, routers

api = routers.add_to(
    NinjaAPI(
        title="Prowzi",
        version=__version__,
        urls_namespace="api",
        parser=asking.BodyParser(),
        description="Self-hosted deep research. Errors are problem+json; see /docs/problems/.",
    )
)
