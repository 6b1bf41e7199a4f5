"""What a research run would take, as far as it is known before it begins. What is not known is said to be."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import quantiles

from django.contrib.auth.models import AbstractBaseUser

from research.artifacts import Options
from research.models import Session, SessionStatus
from research.pipeline import STAGES
from research.services import check_options, check_prompt
from research.wiring import build_llm

LEAST_QUERIES, MOST_QUERIES = 1, 3  # that a section asks each engine
_JUDGED_BY = 50  # finished sessions

Range = tuple[float, float]


@dataclass(frozen=True)
class Estimate:
    stages: tuple[int, int]
    calls: tuple[int, int]  # to engines
    cost_usd: Range | None  # None = not known for this model
    minutes: Range | None  # None = no finished session to judge by; the middle half of those there are
    says: str


def estimate(owner: AbstractBaseUser, prompt: str, options: Options) -> Estimate:
    """The same checks as a start, so InvalidInput and UnknownChoice as there."""
    check_prompt(prompt)
    check_options(owner, options)
    engines = len(set(options.engines))
    minutes = _minutes(owner, options.llm)
    is_paid = build_llm(options.llm).paid
    return Estimate(
        stages=(len(STAGES) - 1, len(STAGES)),  # the second look only when originality changed the text
        calls=(LEAST_QUERIES * engines, MOST_QUERIES * options.max_sections * engines),
        cost_usd=None if is_paid else (0.0, 0.0),
        minutes=minutes,
        says=_say(minutes, is_paid),
    )


def _minutes(owner: AbstractBaseUser, llm: str) -> Range | None:
    finished = Session.objects.filter(
        owner_id=owner.pk,
        status=SessionStatus.COMPLETED,
        options__llm=llm,
        started_at__isnull=False,
        completed_at__isnull=False,
    )
    times = finished.values_list("started_at", "completed_at")[:_JUDGED_BY]
    minutes = [(end - start).total_seconds() / 60 for start, end in times if start and end]
    if not minutes:
        return None
    low, _, high = quantiles(minutes, n=4, method="inclusive") if len(minutes) > 1 else minutes * 3
    return round(low, 3), round(high, 3)


def _say(minutes: Range | None, is_paid: bool) -> str:
    time = "no session of yours has finished with this model yet, so the minutes are not known"
    if minutes is not None:
        time = "the minutes are the middle half of your finished sessions with this model"
    cost = "the model's price is not known here" if is_paid else "nothing is paid"
    return f"{time[0].upper()}{time[1:]}; {cost}."
