from __future__ import annotations

from research import services
from research.management.verbs import VerbCommand


class Command(VerbCommand):
    help = "Agree to what a session waits for, such as its plan; workers go on with it."
    example = "prowzi approve 7c9e6679"
    verb = staticmethod(services.approve_session)
