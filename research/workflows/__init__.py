"""The seed's face: its names, over the engine that the pages, the API and the command line use.

    from research.workflows import ProwziOrchestrator

    result = await ProwziOrchestrator().run_research("Does coffee change sleep?")
    print(result.metadata["session_id"], result.report)

In a plain script the import sets Django up and makes the database where there is none yet.
"""

from __future__ import annotations

from research.config import set_up_django

_is_script = set_up_django()

from research import new_database  # noqa: E402  models need Django
from research.workflows.checkpoints import (  # noqa: E402
    CheckpointManager,
    CheckpointMetadata,
    WorkflowCheckpoint,
)
from research.workflows.orchestrator import ProwziOrchestrator, ResearchResult  # noqa: E402
from telemetry.collector import TelemetryCollector, from_anywhere  # noqa: E402
from telemetry.metrics import StageMetrics, WorkflowMetrics  # noqa: E402

__all__ = [
    "CheckpointManager",
    "CheckpointMetadata",
    "ProwziOrchestrator",
    "ResearchResult",
    "StageMetrics",
    "TelemetryCollector",
    "WorkflowCheckpoint",
    "WorkflowMetrics",
]

if _is_script:
    from_anywhere(new_database.migrate_if_new)()
