"""Every noun of the API and where it lives."""

from __future__ import annotations

from ninja import NinjaAPI

from research.api import checkpoints, events, library, problems, sessions, tokens

NOUNS = {
    "/sessions": (sessions.router, events.router),
    "/checkpoints": (checkpoints.router,),
    "/library": (library.router,),
    "/tokens": (tokens.router,),
}


def add_to(api: NinjaAPI) -> NinjaAPI:
    problems.register(api)
    for prefix, routers in NOUNS.items():
        for router in routers:
            api.add_router(prefix, router)
    return api
