"""Example data: the same on every machine, made on the ordinary way, and never twice."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from research import demo, services
from research.artifacts import Options
from research.models import Document, Session
from telemetry import queries
from tests.integration.cli import prowzi

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_superuser("root", password="a long pass phrase")


def test_one_session_of_each_kind_with_ids_from_a_seed(admin: User) -> None:
    made = {each["session_id"]: each for each in prowzi("demo", "--json", "--events", "1200").json}
    found = {kind: made[str(demo.session_id(number))]["status"] for number, kind in enumerate(demo.KINDS)}
    assert found == {
        "finished": "completed",
        "failed": "failed",
        "paused": "paused",
        "resumed": "completed",
        "branched": "completed",
        "cancelled": "cancelled",
        "waiting": "waiting",
    }
    assert Document.objects.count() >= 12
    [branch] = Session.objects.exclude(parent=None)
    assert (branch.parent_id, branch.status) == (demo.session_id(demo.KINDS.index("branched")), "completed")
    paused = queries.stream_head(demo.session_id(demo.KINDS.index("paused")))
    assert paused is not None
    assert paused.seq == 1200
    for session in Session.objects.all():
        assert queries.verify(session.pk).ok
        assert session.citations.get("fabricated", 0) == 0
    _check_repetition()


def _check_repetition() -> None:
    """A second call changes nothing, nor does it undo what a person decided since."""
    paused = Session.objects.get(pk=demo.session_id(demo.KINDS.index("paused")))
    services.cancel_session(session=paused, actor=paused.owner)
    before = [(row.session_id, row.last_seq) for row in queries.recent_streams(None, 100)]
    assert prowzi("demo", "--events", "1200").status == 0
    assert [(row.session_id, row.last_seq) for row in queries.recent_streams(None, 100)] == before
    assert Session.objects.get(pk=paused.pk).status == "cancelled"


def test_an_interrupted_call_is_gone_on_with(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(kind: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo.make(admin, sessions=3, events=0, tell=interrupt)
    services.start_session(
        owner=admin,
        prompt=demo.QUESTIONS[1],
        options=Options(),
        queue=False,
        session_id=demo.session_id(1),
    )
    made = demo.make(admin, sessions=3, events=0, tell=lambda said: None)
    assert [session.status for session in made] == ["completed", "failed", "paused"]
