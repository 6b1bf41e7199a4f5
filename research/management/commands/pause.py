from __future__ import annotations

from research import services
from research.management.verbs import VerbCommand


class Command(VerbCommand):
    help = "Pause a session at its next step; nothing paid for is thrown away."
    example = "prowzi pause 7c9e6679"
    verb = staticmethod(services.pause_session)
