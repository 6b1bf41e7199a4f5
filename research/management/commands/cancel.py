from __future__ import annotations

from research import services
from research.management.verbs import VerbCommand


class Command(VerbCommand):
    help = "Cancel a session at once and for good."
    example = "prowzi cancel 7c9e6679"
    verb = staticmethod(services.cancel_session)
