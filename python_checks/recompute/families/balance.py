"""Balance: both sides of the market, its concentration, and offers that sell."""

from __future__ import annotations

import polars as pl

from python_checks.recompute.catalogue import declare
from python_checks.recompute.measure import ALL, KpiRows, combine, count_rolling, measure, measure_grain, windows
from python_checks.recompute.money import as_number
from python_checks.recompute.periods import FOREVER, GRAINS, days_between
from python_checks.recompute.world import World

declare("balance", """
registered_customers - country,region customers.created_at
registered_sellers - country,region {joined}
listed_sellers - country,region,category offers
active_sellers - country,region,category -
new_sellers - country,region {joined}
seller_activation_rate_60d 60 country,region {joined}
time_to_first_sale_median 60 country,region {joined}
buyer_seller_ratio - category,country,region -
seller_churn_rate_180d - country,region -
top10_seller_share 60 category {net}
seller_concentration_hhi 60 category {net}
offer_liquidity_rate - category offers
""")


PLACES = ["country", "region"]
ACTIVATION_DAYS = 60
LARGEST = 10


def add(rows: KpiRows, world: World) -> None:
    """Adds the rows of the balance KPIs."""
    if rows.wants("registered_customers", "registered_sellers"):
        _registered(rows, world)
    if rows.wants("listed_sellers", "offer_liquidity_rate"):
        _offers(rows, world)
    if rows.wants("active_sellers", "buyer_seller_ratio", "seller_churn_rate_180d"):
        _active(rows, world)
    if rows.wants("new_sellers", "seller_activation_rate_60d", "time_to_first_sale_median"):
        _new_sellers(rows, world)
    if rows.wants("top10_seller_share", "seller_concentration_hhi"):
        _concentration(rows, world)


def since(frame: pl.DataFrame, day: str, to_day: pl.Expr | None = None) -> pl.DataFrame:
    """The frame with from_day, the day itself, and to_day, for ever unless given."""
    return frame.filter(pl.col(day).is_not_null()).with_columns(
        from_day=pl.col(day), to_day=pl.lit(FOREVER) if to_day is None else to_day.fill_null(FOREVER))


def _registered(rows: KpiRows, world: World) -> None:
    customers = since(world.tables["customers"].with_columns(day=world.calendar.day("created_at")), "day")
    accounts = count_rolling(
        world.calendar, {"accounts": customers}, "customer_id", pl.col("accounts") > 0, PLACES, "customers")
    rows.amount("registered_customers", accounts, "customers")

    status = (
        world.tables["seller_status_events"].filter(pl.col("status").is_in(["closed", "reinstated"]))
        .sort("event_id", descending=True)  # of two at one instant the lower key decides
        .sort("occurred_at", maintain_order=True)
        .with_columns(day=world.calendar.day("occurred_at"))
        .with_columns(next_day=pl.col("day").shift(-1).over("seller_id"))
        .filter(pl.col("status") == "closed")
        .join(world.seller_places, on="seller_id")
    )
    closed = since(status, "day", pl.col("next_day").dt.offset_by("-1d"))
    registered = count_rolling(
        world.calendar, {"joined": since(world.sellers, "joined_day"), "closed": closed}, "seller_id",
        (pl.col("joined") > 0) & (pl.col("closed") == 0), PLACES, "sellers")
    rows.amount("registered_sellers", registered, "sellers")


def _offers(rows: KpiRows, world: World) -> None:
    calendar = world.calendar
    offers = (
        world.with_category(world.tables["offers"])
        .join(world.seller_places, on="seller_id", how="left")
        .with_columns(listed_day=calendar.day("listed_at"), delisted_day=calendar.day("delisted_at"))
    )
    listed = since(offers, "listed_day", pl.col("delisted_day").dt.offset_by("-1d"))
    sellers = count_rolling(
        calendar, {"listed": listed}, "seller_id", pl.col("listed") > 0, [*PLACES, "category"], "sellers")
    rows.amount("listed_sellers", sellers, "sellers")

    # live at some time in the 30 days to D: listed by D, delisted on D-29 at the earliest
    live = since(offers, "listed_day", pl.col("delisted_day").dt.offset_by("29d"))
    sales = world.valid_lines.select("offer_id", "seller_id", "product_id", "order_day")
    named = sales.filter(pl.col("offer_id").is_not_null()).join(offers.select("offer_id", "category"), on="offer_id")
    matched = sales.filter(pl.col("offer_id").is_null()).drop("offer_id").join(
        offers.select("offer_id", "category", "seller_id", "product_id"), on=["seller_id", "product_id"])
    columns = ["offer_id", "category", "order_day"]
    sold = windows(pl.concat([named.select(columns), matched.select(columns)]), columns[:2], "order_day", 30)

    def count(name: str, condition: pl.Expr, **intervals: pl.DataFrame) -> pl.DataFrame:
        return count_rolling(calendar, intervals, "offer_id", condition, ["category"], name)

    terms = combine(
        count("live_offers", pl.col("live") > 0, live=live),
        count("sold_offers", (pl.col("live") > 0) & (pl.col("sold") > 0), live=live, sold=sold),
    )
    rows.ratio("offer_liquidity_rate", terms, "sold_offers", "live_offers")


def _active(rows: KpiRows, world: World) -> None:
    def count(name: str, entity: str, dimensions: list[str], condition: pl.Expr, **intervals: pl.DataFrame):
        return count_rolling(world.calendar, intervals, entity, condition, dimensions, name)

    sales = world.valid_lines.select("seller_id", "customer_id", "category", "order_day")
    place_of_seller = sales.join(world.seller_places, on="seller_id", how="left")
    own_place = world.tables["customers"].select("customer_id", *PLACES)
    place_of_buyer = sales.join(own_place, on="customer_id", how="left")
    everywhere = [*PLACES, "category"]
    sellers = windows(place_of_seller, ["seller_id", *everywhere], "order_day", 30)
    buyers = windows(place_of_buyer, ["customer_id", *everywhere], "order_day", 30)
    active = combine(
        count("sellers", "seller_id", everywhere, pl.col("recent") > 0, recent=sellers),
        count("buyers", "customer_id", everywhere, pl.col("recent") > 0, recent=buyers),
    )
    rows.amount("active_sellers", active, "sellers")
    rows.ratio("buyer_seller_ratio", active, "buyers", "sellers")

    seller = ["seller_id", *PLACES]
    recent = windows(place_of_seller, seller, "order_day", 180)
    earlier = windows(place_of_seller, seller, "order_day", 180, back=180)
    was_active, is_gone = pl.col("earlier") > 0, pl.col("recent") == 0
    lost = combine(
        count("before", "seller_id", PLACES, was_active, earlier=earlier),
        count("lost", "seller_id", PLACES, was_active & is_gone, earlier=earlier, recent=recent),
    )
    rows.ratio("seller_churn_rate_180d", lost, "lost", "before")


def _new_sellers(rows: KpiRows, world: World) -> None:
    sale_days = world.valid_lines.select("seller_id", "order_day")
    sales = world.sellers.select("seller_id", "joined_day").join(sale_days, on="seller_id")
    age = days_between(pl.col("joined_day"), pl.col("order_day"))
    history = sales.group_by("seller_id").agg(
        is_activated=age.is_between(0, ACTIVATION_DAYS).any(), days_to_sale=age.min().clip(lower_bound=0))
    new = world.sellers.join(history, on="seller_id", how="left").with_columns(
        pl.col("is_activated").fill_null(False), pl.col("days_to_sale").cast(pl.Float64).fill_null(float("inf")))

    ordered = pl.col("days_to_sale").sort()
    median = (ordered.get((pl.len() - 1) // 2) + ordered.get(pl.len() // 2)) / 2
    terms = measure(
        world.calendar, new, "joined_day", PLACES,
        new_sellers=pl.len(), activated=pl.sum("is_activated"), median=pl.when(median.is_finite()).then(median))
    rows.amount("new_sellers", terms, "new_sellers")
    rows.ratio("seller_activation_rate_60d", terms, "activated", "new_sellers")
    rows.percentile("time_to_first_sale_median", terms, "median", "new_sellers")


def _concentration(rows: KpiRows, world: World) -> None:
    parts = []
    for grain in GRAINS:
        sales = world.lines.select("order_day", "seller_id", "category", "net_value")
        lines = world.calendar.within(grain, sales, "order_day")
        for dimension in (ALL, "category"):
            keys = ["period_start", "seller_id"] + ([] if dimension == ALL else [dimension])
            sellers = lines.group_by(keys).agg(as_number(pl.sum("net_value")).alias("value"))
            value = pl.col("value")
            terms = {
                "largest": value.top_k(LARGEST).sum(),
                "total": value.sum(),
                "squares": 10_000 * (value**2).sum(),
                "total_squared": value.sum() ** 2,
            }
            parts.append(measure_grain(sellers, grain, [dimension], terms))
    shares = pl.concat(parts)
    rows.ratio("top10_seller_share", shares, "largest", "total")
    rows.ratio("seller_concentration_hhi", shares, "squares", "total_squared")
