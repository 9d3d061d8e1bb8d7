"""What sellers are judged by: the things of each KPI, and the day from which each is known.

A thing is told in rows of seller, `day` (the KPI's own dating), `known` (the row counts from this day's end on),
`order_day` (of its order, or of the ticket), `volume` (what it adds to the denominator), `counted` (to the numerator)
and, for percentiles, `hours`. A thing that enters the denominator on one day and the numerator on another has two rows.
Which lines take part in a thing is as known at as_of; what was withdrawn or overturned by then is nowhere.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

from python_checks.recompute.catalogue import KPIS
from python_checks.recompute.periods import days_between, hours_between
from python_checks.recompute.world import World

RATIO, AVERAGE, PERCENTILE, COUNT = "ratio", "average", "percentile", "count"
COLUMNS = {
    "seller_id": pl.String, "day": pl.Date, "known": pl.Date, "order_day": pl.Date, "volume": pl.Int64,
    "counted": pl.Int64, "hours": pl.Float64,
}
RETURN_DAYS = 30
SLA = dt.timedelta(hours=24)
INSTANT = dt.timedelta(microseconds=1)


@dataclass(frozen=True)
class Judged:
    """How a KPI judges sellers: its kind, the group of the health score, its direction and, of a percentile, which."""

    kind: str
    group: str
    direction: str
    quantile: float = 0.5


PROMISE, DELIVERY, AFTER_SALE, ANSWERS = "promise", "delivery", "after_sale", "answers"
JUDGED = {
    "acceptance_rate": Judged(RATIO, PROMISE, "up"),
    "acceptance_time_median": Judged(PERCENTILE, PROMISE, "down"),
    "seller_cancellation_rate": Judged(RATIO, PROMISE, "down"),
    "cancellation_rate": Judged(RATIO, PROMISE, "down"),
    "shipping_rate": Judged(RATIO, DELIVERY, "up"),
    "processing_time_median": Judged(PERCENTILE, DELIVERY, "down"),
    "processing_time_p90": Judged(PERCENTILE, DELIVERY, "down", 0.9),
    "late_shipment_rate": Judged(RATIO, DELIVERY, "down"),
    "on_time_delivery_rate": Judged(RATIO, DELIVERY, "up"),
    "valid_tracking_rate": Judged(RATIO, DELIVERY, "up"),
    "order_defect_rate": Judged(RATIO, AFTER_SALE, "down"),
    "negative_feedback_rate": Judged(RATIO, AFTER_SALE, "down"),
    "claim_rate": Judged(RATIO, AFTER_SALE, "down"),
    "refund_rate": Judged(RATIO, AFTER_SALE, "down"),
    "return_rate": Judged(RATIO, AFTER_SALE, "down"),
    "dispute_buyer_win_rate": Judged(RATIO, AFTER_SALE, "neutral"),
    "platform_fulfilled_share": Judged(RATIO, AFTER_SALE, "neutral"),
    "avg_rating": Judged(AVERAGE, AFTER_SALE, "up"),
    "positive_review_share": Judged(RATIO, AFTER_SALE, "up"),
    "negative_review_share": Judged(RATIO, AFTER_SALE, "down"),
    "review_rate": Judged(RATIO, AFTER_SALE, "up"),
    "reviews": Judged(COUNT, AFTER_SALE, "up"),
    "seller_orders": Judged(COUNT, AFTER_SALE, "up"),
    "seller_response_sla_24h_rate": Judged(RATIO, ANSWERS, "up"),
    "seller_response_time_median": Judged(PERCENTILE, ANSWERS, "down"),
}


def latest(*days: str | pl.Expr) -> pl.Expr:
    """The latest of these days; one that is missing does not count."""
    return pl.max_horizontal(*days)


def _rows(frame: pl.DataFrame, **columns: pl.Expr | str | int) -> pl.DataFrame:
    """Rows of things of a frame with a seller; what a thing does not add is 0."""
    given = {"volume": 0, "counted": 0, "hours": pl.lit(None), **columns}
    values = {name: pl.lit(value) if isinstance(value, int) else pl.col(value) if isinstance(value, str) else value
              for name, value in given.items()}
    values = {"seller_id": pl.col("seller_id"), "order_day": pl.col("order_day"), **values}
    return frame.select(values[name].cast(kind).alias(name) for name, kind in COLUMNS.items()).filter(
        pl.col("seller_id").is_not_null() & pl.col("day").is_not_null() & pl.col("known").is_not_null())


def _counted(frame: pl.DataFrame, day: str, known: pl.Expr, when: pl.Expr, weight: str | int = 1) -> pl.DataFrame:
    """Things dated by `day` that count from `known` on, and in the numerator from `when` on, never before."""
    return pl.concat([
        _rows(frame, day=day, known=known, volume=1),
        _rows(frame.filter(when.is_not_null()), day=day, known=latest(known, when), counted=weight),
    ])


class Things:
    """The things of every KPI that may judge sellers, made when asked for and kept until forgotten."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.has_acceptance = world.has("order_lines.accepted_at")
        self._lines = self._dated_lines()
        self._seller_orders = self._dated_seller_orders()

    def of(self, kpi_id: str) -> pl.DataFrame:
        """The things of a KPI dated within the span."""
        calendar = self.world.calendar
        rows = self._makers()[kpi_id]()
        return rows.filter(pl.col("day").is_between(calendar.first_day, calendar.as_of))

    def is_there(self, kpi_id: str) -> bool:
        """Whether what the KPI needs was delivered."""
        return self.world.has(*KPIS[kpi_id].needs)

    def _makers(self) -> dict[str, Callable[[], pl.DataFrame]]:
        return {
            "acceptance_rate": self._acceptance,
            "acceptance_time_median": lambda: self._hours("accepted_day", "acceptance_hours"),
            "processing_time_median": lambda: self._hours("shipped_day", "processing_hours"),
            "processing_time_p90": lambda: self._hours("shipped_day", "processing_hours"),
            "shipping_rate": self._shipping,
            "seller_cancellation_rate": lambda: self._of_orders("seller_cancelled_day"),
            "cancellation_rate": lambda: self._of_orders("cancelled_day"),
            "negative_feedback_rate": lambda: self._of_orders("bad_review_day"),
            "order_defect_rate": lambda: self._of_orders("defect_day"),
            "late_shipment_rate": self._late,
            "on_time_delivery_rate": self._promises,
            "valid_tracking_rate": lambda: self._shipments(pl.col("tracking_valid").is_not_null(), "tracking_valid"),
            "platform_fulfilled_share": lambda: self._shipments(
                pl.lit(True), (pl.col("fulfilled_by") == "platform").fill_null(False)),
            "refund_rate": lambda: self._troubles("refund_day"),
            "claim_rate": lambda: self._troubles("claim_day"),
            "return_rate": self._returns,
            "review_rate": self._reviewed,
            "dispute_buyer_win_rate": self._disputes,
            "avg_rating": lambda: self._reviews("rating"),
            "positive_review_share": lambda: self._reviews((pl.col("rating") >= 4).cast(pl.Int64)),
            "negative_review_share": lambda: self._reviews((pl.col("rating") <= 2).cast(pl.Int64)),
            "reviews": lambda: self._reviews(1),
            "seller_orders": lambda: _rows(
                self._seller_orders, day="order_day", known=latest("order_day", "pay_day"), volume=1, counted=1),
            "seller_response_time_median": self._answers,
            "seller_response_sla_24h_rate": self._answers_in_time,
        }

    # -- lines and seller orders with the days of what happened to them ------------------------------------------------

    def _dated_lines(self) -> pl.DataFrame:
        world, day = self.world, self.world.calendar.day
        told = world.tables["order_lines"].select("order_line_id", "refused_at", "cancelled_at", "cancelled_by")
        refunds = world.refunds.filter((pl.col("reason") != "cancellation").fill_null(True)).group_by(
            "order_line_id").agg(refund_day=pl.min("day"))
        claims = world.tables["claims"].filter((pl.col("decision") != "withdrawn").fill_null(True)).group_by(
            "order_line_id").agg(claim_day=day(pl.col("opened_at").min()))
        defects = world.tables["claims"].filter(
            pl.col("kind").is_in(["a_to_z", "chargeback"])
            & ~pl.col("decision").is_in(["seller", "withdrawn"]).fill_null(False)
        ).group_by("order_line_id").agg(defect_claim_day=day(pl.col("opened_at").min()))
        lines = world.all_lines.join(told, on="order_line_id", how="left")
        for facts in (refunds, claims, defects):
            lines = lines.join(facts, on="order_line_id", how="left")
        cancelled_at, cancelled_by = pl.col("cancelled_at"), pl.col("cancelled_by")
        before_shipment = (pl.col("ship_at").is_null() | (cancelled_at < pl.col("ship_at"))).fill_null(False)
        before_acceptance = (
            (pl.col("accepted_at").is_null() | (cancelled_at < pl.col("accepted_at"))).fill_null(False)
            if self.has_acceptance else before_shipment)
        by_other = cancelled_by.is_in(["seller", "platform"]).fill_null(False)
        by_seller = (cancelled_by == "seller").fill_null(False)
        return lines.with_columns(
            pay_day=day("paid_at"),
            accepted_day=day("accepted_at"),
            refusal_day=day(pl.min_horizontal("refused_at", pl.when(before_acceptance & by_other).then(cancelled_at))),
            left_out_day=pl.when(~pl.col("takes_part")).then(day("cancelled_at")),
            seller_cancelled_day=day(
                pl.min_horizontal("refused_at", pl.when(before_shipment & by_seller).then(cancelled_at))),
            cancelled_day=day(pl.min_horizontal("refused_at", "cancelled_at")),
        )

    @property
    def _paid(self) -> pl.DataFrame:
        return self._lines.filter("is_paid")

    def _dated_seller_orders(self) -> pl.DataFrame:
        world, day = self.world, self.world.calendar.day
        keys = ["order_id", "seller_id"]
        days = self._paid.group_by(keys).agg(
            refusal_day=pl.col("refusal_day").filter("takes_part").min(),
            left_out_day=pl.max("left_out_day"),
            seller_cancelled_day=pl.min("seller_cancelled_day"),
            cancelled_day=pl.min("cancelled_day"),
            defect_claim_day=pl.min("defect_claim_day"),
        )
        reviews = world.reviews.filter(pl.col("subject") == "seller").group_by("order_id", seller_id="seller").agg(
            review_day=pl.min("day"), bad_review_day=pl.col("day").filter(pl.col("rating") <= 2).min())
        is_accepted = pl.col("state") == "accepted"
        return (
            world.seller_orders(world.lines)
            .join(days, on=keys, how="left").join(reviews, on=keys, how="left")
            .with_columns(
                pay_day=day("paid_at"),
                shipped_day=day("shipped_at"),
                accepted_day=pl.when(is_accepted).then(latest(day("accepted_at"), "left_out_day", day("paid_at"))),
                acceptance_hours=pl.when(is_accepted).then(hours_between(pl.col("paid_at"), pl.col("accepted_at"))),
                processing_hours=hours_between(pl.col("paid_at"), pl.col("shipped_at")),
                defect_day=pl.min_horizontal("bad_review_day", "defect_claim_day"),
            ))

    # -- KPIs ----------------------------------------------------------------------------------------------------------

    def _of_orders(self, when: str) -> pl.DataFrame:
        return _counted(self._seller_orders, "order_day", latest("order_day", "pay_day"), pl.col(when))

    def _acceptance(self) -> pl.DataFrame:
        accepted = self._seller_orders.filter(pl.col("state") == "accepted")
        refused = self._seller_orders.filter(pl.col("state") == "refused")
        return pl.concat([
            _rows(accepted, day="order_day", known=latest("order_day", "accepted_day"), volume=1, counted=1),
            _rows(refused, day="order_day", known=latest("order_day", "pay_day", "refusal_day"), volume=1),
        ])

    def _hours(self, known: str, hours: str) -> pl.DataFrame:
        measured = self._seller_orders.filter(pl.col(hours).is_not_null() & pl.col(known).is_not_null())
        return _rows(measured, day="order_day", known=latest("order_day", "pay_day", known), volume=1, hours=hours)

    def _shipping(self) -> pl.DataFrame:
        due = self._seller_orders.filter((pl.col("state") == "accepted") & pl.col("ship_by_day").is_not_null())
        accepted = pl.col("accepted_day") if self.has_acceptance else pl.col("pay_day")
        known = latest("order_day", "pay_day", accepted, "ship_by_day")
        return _counted(due, "order_day", known, pl.col("shipped_day"))

    def _late(self) -> pl.DataFrame:
        world = self.world
        own = world.lines.filter((pl.col("fulfilled_by") != "platform").fill_null(True))
        vacations = vacation_events(world).select("seller_id", "occurred_at", "is_away")
        due = world.seller_orders(own).filter(pl.col("ship_by_at").is_not_null()).sort("ship_by_at").join_asof(
            vacations, left_on="ship_by_at", right_on="occurred_at", by="seller_id", check_sortedness=False,
        ).filter(~pl.col("is_away").fill_null(False)).with_columns(pay_day=world.calendar.day("paid_at"))
        late = pl.col("shipped_at").is_null() | (pl.col("shipped_at") > pl.col("ship_by_at"))
        known = latest("ship_by_day", "pay_day")
        return _counted(due, "ship_by_day", known, pl.when(late).then("ship_by_day"))

    def _promises(self) -> pl.DataFrame:
        promised = self._lines.filter(pl.col("is_valid") & pl.col("promised_day").is_not_null())
        on_time = pl.col("delivered_day") <= pl.col("promised_day")
        known = latest("promised_day", "pay_day")
        return _counted(promised, "promised_day", known, pl.when(on_time).then("promised_day"))

    def _shipments(self, condition: pl.Expr, counts: str | pl.Expr) -> pl.DataFrame:
        shipped = self._lines.filter(pl.col("ship_day").is_not_null() & condition)
        counts = pl.col(counts) if isinstance(counts, str) else counts
        return _rows(shipped, day="ship_day", known="ship_day", volume=1, counted=counts.cast(pl.Int64))

    def _troubles(self, when: str) -> pl.DataFrame:
        accepted = self._paid.filter("is_accepted")
        known = [latest("order_day", "pay_day")] + (["accepted_day"] if self.has_acceptance else [])
        return _counted(accepted, "order_day", latest(*known), pl.col(when))

    def _returns(self) -> pl.DataFrame:
        delivered = self._lines.filter(pl.col("delivered_day").is_not_null())
        requests = (
            self.world.tables["returns"]
            .select("order_line_id", "return_id", requested=self.world.calendar.day("requested_at"), units="quantity")
            .join(delivered.select("order_line_id", "seller_id", "order_day", "delivered_day", "quantity"),
                  on="order_line_id")
            .filter(days_between(pl.col("delivered_day"), pl.col("requested")).is_between(0, RETURN_DAYS))
            .sort("order_line_id", "requested", "return_id")
            .with_columns(so_far=pl.col("units").cum_sum().over("order_line_id"))
            .with_columns(so_far=pl.min_horizontal("so_far", "quantity"))
            .with_columns(new=pl.col("so_far") - pl.col("so_far").shift(1).over("order_line_id").fill_null(0))
        )
        return pl.concat([
            _rows(delivered, day="delivered_day", known="delivered_day", volume="quantity"),
            _rows(requests, day="delivered_day", known="requested", counted="new"),
        ])

    def _reviewed(self) -> pl.DataFrame:
        delivered = self._seller_orders.filter(pl.col("delivered_day").is_not_null())
        return _counted(delivered, "delivered_day", latest("delivered_day", "pay_day"), pl.col("review_day"))

    def _reviews(self, counted: str | int | pl.Expr) -> pl.DataFrame:
        order_days = self.world._placed.select("order_id", "order_day")
        reviews = self.world.reviews.drop("seller_id").rename({"seller": "seller_id"}).join(
            order_days, on="order_id", how="left")
        return _rows(reviews, day="day", known="day", volume=1, counted=counted)

    def _disputes(self) -> pl.DataFrame:
        of_line = self._lines.select("order_line_id", "seller_id", "order_day")
        disputes = self.world.tables["claims"].filter(
            pl.col("kind").is_in(["a_to_z", "chargeback"]) & pl.col("decision").is_in(["buyer", "seller"])
        ).join(of_line, on="order_line_id", how="left").with_columns(decided=self.world.calendar.day("decided_at"))
        return _rows(disputes, day="decided", known="decided", volume=1,
                     counted=(pl.col("decision") == "buyer").cast(pl.Int64))

    @property
    def _messages(self) -> pl.DataFrame:
        return self.world.tickets.filter(pl.col("handled_by") == "seller").with_columns(order_day="day")

    def _answers(self) -> pl.DataFrame:
        answered = self._messages.filter(pl.col("response_hours").is_not_null())
        answer_day = self.world.calendar.day("first_response_at")
        return _rows(answered, day="day", known=latest("day", answer_day), volume=1, hours="response_hours")

    def _answers_in_time(self) -> pl.DataFrame:
        asked = self._messages.filter(pl.col("needs_response").fill_null(True))
        # the first day at whose end 24 hours have passed: that of the last instant before
        known = self.world.calendar.day(pl.col("opened_at") + SLA - INSTANT)
        in_time = (pl.col("response_hours") <= SLA.total_seconds() / 3600).fill_null(False)
        return _rows(asked, day="day", known=known, volume=1, counted=in_time.cast(pl.Int64))


def vacation_events(world: World) -> pl.DataFrame:
    """seller_id, occurred_at, day and is_away (the seller leaves) of the events of vacations, in their order."""
    return (
        world.tables["seller_status_events"]
        .filter(pl.col("status").is_in(["vacation_started", "vacation_ended"]))
        .sort("occurred_at", "event_id")
        .select("seller_id", "occurred_at", day=world.calendar.day("occurred_at"),
                is_away=pl.col("status") == "vacation_started"))


def away_at(frame: pl.DataFrame, day: str, world: World) -> pl.Series:
    """Whether the seller of each row is away at the end of a day of it."""
    last = vacation_events(world).group_by("seller_id", "day", maintain_order=True).agg(pl.last("is_away"))
    rows = frame.select("seller_id", pl.col(day).alias("day")).with_row_index("_row").sort("day")
    found = rows.join_asof(last.sort("day"), on="day", by="seller_id", check_sortedness=False).sort("_row")
    return found["is_away"].fill_null(False)


def kpis_there(things: Things) -> Iterator[str]:
    """The KPIs that can judge sellers with what was delivered."""
    return (kpi_id for kpi_id in JUDGED if things.is_there(kpi_id))
