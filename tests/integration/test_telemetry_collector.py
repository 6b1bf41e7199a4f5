from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry import collector, models, queries
from telemetry.errors import AppendOnly, OutsideTransaction, StreamMissing, StreamMoved, TelemetryError
from telemetry.events import Event, NewEvent, verify_chain
from telemetry.metrics import fold

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session_id() -> str:
    return new_stream()


def new_stream() -> str:
    made = str(uuid4())
    collector.open_stream(made, owner_id=7, label="Why?")
    return made


def tell(session_id: str, *events: NewEvent) -> list[Event]:
    with transaction.atomic():
        return collector.append(session_id, events)


def ticks(count: int) -> list[NewEvent]:
    return [NewEvent("search", "progress", 1, 0.1, {"number": number}) for number in range(count)]


def raw(sql: str, *parameters: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def test_what_is_appended_is_what_is_read(session_id: str) -> None:
    written = tell(
        session_id,
        NewEvent(None, "created"),
        NewEvent("search", "started", 1),
        NewEvent("search", "failed", 1, 1.5, {"ä": ["😀", {"x": 0.1}]}, "no\x00answer"),
    )
    assert queries.events_after(session_id) == written
    assert queries.events_after(session_id, after=1, limit=1) == written[1:2]
    head = queries.stream_head(session_id)
    assert head is not None
    assert (head.seq, head.hash) == (3, written[-1].hash)
    assert [event.seq for event in tell(session_id, NewEvent(None, "completed"))] == [4]


def test_events_are_told_only_inside_a_transaction(session_id: str) -> None:
    with pytest.raises(OutsideTransaction, match="atomic"):
        collector.append(session_id, [NewEvent(None, "started")])
    assert queries.events_after(session_id) == []


def test_a_stream_must_be_opened_once() -> None:
    unknown = str(uuid4())
    with pytest.raises(StreamMissing, match=unknown):
        tell(unknown, NewEvent(None, "started"))
    collector.open_stream(unknown, owner_id=None, label="")
    with pytest.raises(IntegrityError):
        collector.open_stream(unknown, owner_id=None, label="")


def test_no_events_change_nothing(session_id: str) -> None:
    assert tell(session_id) == []
    head = queries.stream_head(session_id)
    assert head is not None
    assert head.seq == 0


def test_a_rollback_leaves_no_gap(session_id: str) -> None:
    tell(session_id, *ticks(2))

    class Undone(Exception):
        pass

    def undo() -> None:
        with transaction.atomic():
            collector.append(session_id, ticks(3))
            raise Undone

    with pytest.raises(Undone):
        undo()
    with transaction.atomic():
        with pytest.raises(Undone):
            undo()  # only the inner savepoint is lost
        collector.append(session_id, ticks(1))
    assert [event.seq for event in queries.events_after(session_id)] == [1, 2, 3]
    assert queries.verify(session_id).ok


def test_i5_eight_writers_at_once_leave_one_gapless_chain(session_id: str) -> None:
    if connection.vendor == "sqlite":
        name = str(connection.settings_dict["NAME"])
        assert "memory" not in name, "threads need a database in a file"
    start = Barrier(8)

    def write(writer: int) -> list[int]:
        dice = random.Random(writer)
        start.wait()
        try:
            return [
                event.seq
                for _ in range(25)
                for event in tell(session_id, *[NewEvent("search", "progress", writer)] * dice.randint(1, 4))
            ]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        numbers = [seq for own in pool.map(write, range(8)) for seq in own]
    events = list(queries.all_events(session_id, page=50))
    assert sorted(numbers) == [event.seq for event in events] == list(range(1, len(numbers) + 1))
    assert verify_chain(events) is None
    assert queries.verify(session_id).ok


def test_a_number_is_never_taken_twice(session_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer with an old head (a database that does not lock as it should) writes nothing."""
    head = collector._lock_head(session_id)
    tell(session_id, NewEvent(None, "created"))
    monkeypatch.setattr(collector, "_lock_head", lambda key: head)
    with pytest.raises(IntegrityError):
        tell(session_id, NewEvent(None, "started"))
    monkeypatch.setattr(collector, "_insert", lambda sealed: None)
    with pytest.raises(StreamMoved):
        tell(session_id, NewEvent(None, "started"))
    monkeypatch.undo()
    assert queries.verify(session_id).count == 1


def test_b54_ten_thousand_tiny_events_in_batches(session_id: str) -> None:
    for _ in range(20):
        tell(session_id, *ticks(500))
    report = queries.verify(session_id)
    assert (report.ok, report.count) == (True, 10_000)


def test_the_first_wrong_record_is_named(session_id: str) -> None:
    tell(session_id, *ticks(9))
    assert queries.verify(session_id).ok
    raw("UPDATE telemetry_event SET error = 'x' WHERE seq = 8")
    raw("UPDATE telemetry_event SET details = '{\"number\":5}' WHERE seq = 4")
    report = queries.verify(session_id)
    assert (report.ok, report.first_bad_seq, report.why, report.count) == (False, 4, "changed", 3)


@pytest.mark.parametrize(
    ("damage", "seq", "why"),
    [
        ("DELETE FROM telemetry_event WHERE seq = 5", 5, "gap"),
        ("DELETE FROM telemetry_event WHERE seq >= 8", 8, "cut_short"),
        ("DELETE FROM telemetry_event", 1, "cut_short"),
        ("UPDATE telemetry_event SET seq = 10 - seq WHERE seq IN (4, 6)", 4, "changed"),  # swapped, below
        ("UPDATE telemetry_eventstream SET last_seq = 7", 7, "head_differs"),
        ("UPDATE telemetry_eventstream SET last_hash = 'x'", 9, "head_differs"),
    ],
)
def test_missing_and_moved_records_are_named(session_id: str, damage: str, seq: int, why: str) -> None:
    tell(session_id, *ticks(9))
    if "10 - seq" in damage:  # two steps: the unique constraint is checked row by row
        raw("UPDATE telemetry_event SET seq = 100 + seq WHERE seq IN (4, 6)")
        raw("UPDATE telemetry_event SET seq = 110 - seq WHERE seq > 100")
    else:
        raw(damage)
    report = queries.verify(session_id)
    assert (report.ok, report.first_bad_seq, report.why) == (False, seq, why)


def test_a_record_beyond_the_head_is_named(session_id: str) -> None:
    first, second = tell(session_id, *ticks(2))
    raw("UPDATE telemetry_eventstream SET last_seq = 1, last_hash = %s", first.hash)
    report = queries.verify(session_id)
    assert (report.ok, report.first_bad_seq, report.why) == (False, second.seq, "beyond_head")
    assert queries.verify(uuid4()).why == "stream_missing"


CHANGES: dict[str, Callable[[Any, Any], object]] = {
    "save": lambda model, row: row.save(),
    "delete": lambda model, row: row.delete(),
    "update": lambda model, row: model.objects.update(pk=None),
    "delete all": lambda model, row: model.objects.all().delete(),
    "delete below": lambda model, row: model._base_manager.all().delete(),
    "raw delete": lambda model, row: model.objects.all()._raw_delete("default"),
    "bulk update": lambda model, row: model.objects.bulk_update([row], ["pk"]),
    "upsert": lambda model, row: model.objects.bulk_create(
        [row], update_conflicts=True, update_fields=["pk"]
    ),
    "update or create": lambda model, row: model.objects.update_or_create(pk=row.pk, defaults={}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.parametrize("model", [models.Event, models.EventStream, models.AuditRecord])
def test_records_cannot_be_changed_or_removed(session_id: str, model: Any, change: Any) -> None:
    tell(session_id, *ticks(2))
    collector.audit("root", "look", object_kind="session", object_id=session_id)
    before = list(model.objects.values())
    with pytest.raises(AppendOnly, match=model.__name__):
        change(model, model.objects.all()[0])
    assert list(model.objects.values()) == before


@pytest.mark.parametrize("model", [models.Event, models.EventStream, models.AuditRecord])
def test_a_new_row_never_replaces_an_old_one(session_id: str, model: Any) -> None:
    tell(session_id, *ticks(1))
    collector.audit("root", "look", object_kind="session", object_id=session_id)
    [fields] = model.objects.values()
    with pytest.raises(IntegrityError):
        model(**fields).save()


def test_a_session_leaves_whole_and_leaves_one_audit_record(session_id: str) -> None:
    stays = new_stream()
    tell(stays, *ticks(1))
    last = tell(session_id, *ticks(3))[-1]
    assert collector.delete_stream(session_id, actor="ada", reason="asked for") == 3
    assert queries.events_after(session_id) == []
    assert queries.stream(session_id) is None
    assert queries.verify(stays).ok
    assert collector.delete_stream(session_id, actor="ada", reason="again") == 0
    [record] = models.AuditRecord.objects.all()
    assert (record.actor, record.action, record.object_id) == ("ada", "delete", session_id)
    assert record.details == {"reason": "asked for", "events": 3, "last_hash": last.hash}


def test_gauges_keep_the_last_value_per_labels() -> None:
    collector.set_gauge("workers", 1, labels={"host": "a", "kind": "x"})
    collector.set_gauge("workers", 3, labels={"kind": "x", "host": "a"})
    collector.set_gauge("queue", 0.5)
    found = [(gauge.name, gauge.labels, gauge.value) for gauge in queries.gauges()]
    assert found == [("queue", {}, 0.5), ("workers", {"host": "a", "kind": "x"}, 3.0)]
    with pytest.raises(ValueError, match="finite"):
        collector.set_gauge("queue", float("nan"))


def test_streams_are_listed_newest_first_and_by_owner(session_id: str) -> None:
    newer = str(uuid4())
    collector.open_stream(newer, owner_id=8, label="a\x00b", metadata={"llm": "offline"})
    assert [found.session_id for found in queries.recent_streams(None)] == [newer, session_id]
    assert [found.session_id for found in queries.recent_streams(7)] == [session_id]
    assert queries.recent_streams(8, limit=0) == []
    [found] = queries.recent_streams(8)
    assert (found.label, found.metadata) == ("a\ufffdb", {"llm": "offline"})


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(
            st.builds(
                NewEvent,
                st.sampled_from([None, "search", "writing"]),
                st.sampled_from(["started", "completed", "failed", "retrying", "resumed", "progress"]),
                st.none() | st.integers(0, 3),
                st.none() | st.floats(-10, 1e9),
                st.dictionaries(st.text(max_size=4), st.floats() | st.text(max_size=4), max_size=2),
                st.none() | st.text(st.characters(exclude_categories=()), max_size=6),
            ),
            max_size=4,
        ),
        max_size=4,
    )
)
def test_replaying_the_log_gives_equal_metrics(commits: list[list[NewEvent]]) -> None:
    session_id = new_stream()
    written = [event for events in commits for event in tell(session_id, *events)]
    assert list(queries.all_events(session_id, page=3)) == written
    assert queries.metrics_of(session_id) == fold(session_id, "Why?", written)
    assert queries.verify(session_id).ok


def test_every_error_carries_its_own_code() -> None:
    codes = [error.code for error in (OutsideTransaction, StreamMissing, StreamMoved, AppendOnly)]
    assert len({*codes, TelemetryError.code}) == 5
