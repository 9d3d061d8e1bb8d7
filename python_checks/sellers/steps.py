"""What happened to sellers' accounts, and what should happen next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from python_checks.recompute.world import World
from python_checks.sellers.columns import read_columns
from python_checks.sellers.evaluation import DEFAULT, Evaluator, Rule, sentence
from python_checks.sellers.things import away_at

STEPS = ("warned", "suspended", "reinstated")
VACATIONS = ("vacation_started", "vacation_ended")
COOLING_DAYS, NOTICE_DAYS, MEMORY_DAYS = 14, 30, 365
EVENTS = {
    "event_id": pl.String, "seller_id": pl.String, "occurred_at": pl.Datetime("us", "UTC"), "status": pl.String,
    "policy": pl.String, "reason": pl.String, "kpi_id": pl.String, "evidence": pl.String, "previous_status": pl.String,
    "days_since": pl.Int64,
}
NEXT = {
    "seller_id": pl.String, "state": pl.String, "warnings": pl.Int64, "last_step_on": pl.Date,
    "proposed_step": pl.String, "earliest_on": pl.Date, "reason": pl.String, "kpi_id": pl.String,
    "evidence": pl.String, "identity_alert": pl.Boolean,
}


def status_events(world: World) -> pl.DataFrame:
    """The events known at as_of with everything delivered about them and their day, in their order."""
    return (
        read_columns(world.extracts, "seller_status_events", *(name for name in EVENTS if name not in (
            "previous_status", "days_since")))
        .filter(pl.col("occurred_at") < world.calendar.end)
        .with_columns(day=world.calendar.day("occurred_at"))
        .sort("occurred_at", "event_id"))


def events_table(
    world: World, scorecard: pl.DataFrame, days: list[dt.date], rules: Iterable[Rule], policies: dict[str, str]
) -> pl.DataFrame:
    """seller_account_events."""
    events = status_events(world)
    by_rule = {(rule.policy, rule.kpi_id): rule for rule in rules}
    asked = events.filter(pl.col("kpi_id").is_not_null() & pl.col("evidence").is_null())
    told = scorecard.join(asked.select("seller_id", "kpi_id").unique(), on=["seller_id", "kpi_id"], how="semi")
    found = {(row["seller_id"], row["kpi_id"], row["evaluated_on"]): row for row in told.iter_rows(named=True)}
    previous: dict[str, str] = {}
    rows = []
    for event in events.iter_rows(named=True):
        seller, kpi_id, evidence = event["seller_id"], event["kpi_id"], event["evidence"]
        before = [day for day in days if day < event["day"]]
        if evidence is None and kpi_id is not None and before:
            row = found.get((seller, kpi_id, before[-1]))
            if row is not None:
                evidence = sentence(row, by_rule[policies.get(seller, DEFAULT), kpi_id])
        rows.append({
            **{name: event[name] for name in EVENTS if name in event}, "evidence": evidence,
            "previous_status": previous.get(seller), "days_since": (world.calendar.as_of - event["day"]).days})
        previous[seller] = event["status"]
    return pl.DataFrame(rows, schema=EVENTS)


# -- what next ---------------------------------------------------------------------------------------------------------


@dataclass
class Story:
    """What a seller's events tell at as_of."""

    state: str | None = None
    is_closed: bool = False
    is_suspended: bool = False  # the last of its suspensions and reinstatements is a suspension
    last_step: str | None = None
    last_step_on: dt.date | None = None
    has_plan: bool = False  # an action plan came after the last step
    warned_on: tuple[dt.date, ...] = ()  # after the last reinstated step


def story_of(events: Iterable[tuple[str, dt.date]]) -> Story:
    """The story of the statuses and days of one seller's events, in their order."""
    story = Story()
    for status, day in events:
        if status in VACATIONS:
            continue
        story.state = status
        is_step = status in ("warned", "suspended") or (status == "reinstated" and story.is_suspended)
        if is_step:
            story.last_step, story.last_step_on, story.has_plan = status, day, False
        if status == "warned":
            story.warned_on += (day,)
        elif status == "suspended":
            story.is_suspended = True
        elif status == "reinstated":
            if is_step:
                story.warned_on = ()
            story.is_suspended, story.is_closed = False, False
        elif status == "closed":
            story.is_closed = True
        elif status == "action_plan":
            story.has_plan = True
    return story


@dataclass(frozen=True)
class Step:
    """What is proposed, from when, why, and the KPI that led to it."""

    step: str
    earliest_on: dt.date | None
    reason: str
    row: dict | None = None


def next_step(story: Story, rows: list[dict], on_vacation: bool, warnings: int, as_of: dt.date) -> Step:
    """The first of the ladder that applies; `rows` are those of the scorecard over the facts that count."""
    if story.last_step == "suspended":
        since = f"suspended on {story.last_step_on}"
        if story.has_plan:
            return Step("reinstate", as_of, f"{since}, an action plan came later")
        return Step("wait", None, f"{since}, no action plan yet")
    certain = [row for row in rows if row["is_certain"]]
    if certain:
        row = _furthest(certain)
        if on_vacation:
            return Step("wait", None, "beyond limit, on vacation", row)
        if not warnings:
            return Step("warn", as_of, "beyond limit, no warning yet: an action plan is asked for", row)
        if story.last_step_on is not None and (as_of - story.last_step_on).days < COOLING_DAYS:
            return Step("wait", story.last_step_on + dt.timedelta(days=COOLING_DAYS),
                        f"beyond limit, fewer than {COOLING_DAYS} days since the last step", row)
        if warnings == 1:
            return Step("warn_again", as_of, "beyond limit after one warning", row)
        return Step("suspend", as_of + dt.timedelta(days=NOTICE_DAYS),
                    f"beyond limit after {warnings} warnings: {NOTICE_DAYS} days' notice with a statement of reasons",
                    row)
    near = [row for row in rows if row["status"] in ("limit", "alert") or row["projected_breach"]]
    if near:
        return Step("inform", None, "near or beyond a limit, not certainly", _furthest(near))
    return Step("none", None, "in order")


def _furthest(rows: list[dict]) -> dict:
    def distance(row: dict) -> float:
        return abs(row["value"] - row["limit_value"]) / max(abs(row["limit_value"]), 1e-9)

    return min(rows, key=lambda row: (-distance(row), row["kpi_id"]))


def steps_table(evaluator: Evaluator) -> pl.DataFrame:
    """seller_next_steps: the sellers that are not closed."""
    world, as_of = evaluator.world, evaluator.world.calendar.as_of
    by_seller: dict[str, list[tuple[str, dt.date]]] = {}
    for seller, status, day in status_events(world).select("seller_id", "status", "day").iter_rows():
        by_seller.setdefault(seller, []).append((status, day))
    stories = {seller: story_of(events) for seller, events in by_seller.items()}
    after = {seller: story.last_step_on for seller, story in stories.items() if story.last_step_on}
    again: dict[str, list[dict]] = {}
    for row in evaluator.scorecard([as_of], after).iter_rows(named=True):
        again.setdefault(row["seller_id"], []).append(row)

    sellers = read_columns(world.extracts, "sellers", "legal_id", "bank_account").sort("seller_id")
    away = away_at(sellers.with_columns(day=pl.lit(as_of)), "day", world)
    bearers = _bearers(sellers, {seller for seller, story in stories.items() if story.is_suspended})
    by_rule = {(rule.policy, rule.kpi_id): rule for rule in evaluator.rules}
    rows = []
    for person, on_vacation in zip(sellers.iter_rows(named=True), away, strict=True):
        seller = person["seller_id"]
        story = stories.get(seller, Story())
        if story.is_closed:
            continue
        first = as_of - dt.timedelta(days=MEMORY_DAYS - 1)
        warnings = sum(day >= first for day in story.warned_on)
        step = next_step(story, again.get(seller, []), on_vacation, warnings, as_of)
        rule = by_rule[step.row["policy"], step.row["kpi_id"]] if step.row else None
        rows.append({
            "seller_id": seller, "state": story.state, "warnings": warnings, "last_step_on": story.last_step_on,
            "proposed_step": step.step, "earliest_on": step.earliest_on, "reason": step.reason,
            "kpi_id": step.row["kpi_id"] if step.row else None,
            "evidence": sentence(step.row, rule) if step.row else None,
            "identity_alert": any(
                bearers.get((name, person[name]), set()) - {seller} for name in ("legal_id", "bank_account")
                if person[name] is not None)})
    return pl.DataFrame(rows, schema=NEXT)


def _bearers(sellers: pl.DataFrame, suspended: set[str]) -> dict[tuple[str, str], set[str]]:
    """Per legal id and bank account the suspended sellers that bear it."""
    found: dict[tuple[str, str], set[str]] = {}
    for row in sellers.filter(pl.col("seller_id").is_in(list(suspended))).iter_rows(named=True):
        for name in ("legal_id", "bank_account"):
            if row[name] is not None:
                found.setdefault((name, row[name]), set()).add(row["seller_id"])
    return found
