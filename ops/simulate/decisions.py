"""What the operator keeps beside the data: targets, a policy of its own, its calendar, the log of its actions."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from ops.simulate.profiles import holidays
from ops.simulate.tools import ids, instants
from ops.simulate.world import World

# Countries whose public holidays the project knows by itself.
_KNOWN_COUNTRIES = {"BE", "BR", "DE", "ES", "FR", "GB", "IT", "NL", "PL", "US"}

# Levels of KPIs that do not depend on the size of the market: (target, warn, alert) first and once re-set.
_LEVELS = {
    ("conversion_rate_session", "month"): ((0.025, 0.022, 0.018), (0.028, 0.025, 0.020)),
    ("cart_abandonment_rate", "month"): ((0.70, 0.75, 0.80), (0.68, 0.72, 0.78)),
    ("cancellation_rate", "month"): ((0.09, 0.10, 0.13), (0.08, 0.10, 0.12)),
    ("late_shipment_rate", "week"): ((0.12, 0.15, 0.25), (0.10, 0.12, 0.20)),
    ("on_time_delivery_rate", "month"): ((0.92, 0.90, 0.85), (0.94, 0.92, 0.88)),
    ("order_defect_rate", "quarter"): ((0.06, 0.08, 0.10), (0.05, 0.07, 0.09)),
    ("csat", "month"): ((0.72, 0.70, 0.60), (0.75, 0.70, 0.62)),
    ("nps", "quarter"): ((25.0, 20.0, 10.0), (30.0, 25.0, 10.0)),
    ("response_sla_24h_rate", "month"): ((0.85, 0.80, 0.70), (0.90, 0.85, 0.75)),
    ("avg_rating", "month"): ((4.0, 3.9, 3.5), (4.1, 4.0, 3.6)),
    ("page_load_p75", "week"): ((2800.0, 3000.0, 3500.0), (2600.0, 2800.0, 3000.0)),
}
_MIN_VOLUME = {"nps": 30, "csat": 30, "late_shipment_rate": 25, "page_load_p75": 100}
_FIRST_REASON = "Opening plan"
_RESET_REASONS = {
    "conversion_rate_session": "Reached in most months: more is feasible",
    "late_shipment_rate": "Buyers' promise tightened to ten percent",
    "page_load_p75": "In line with the threshold for a good page",
    "ad_spend": "Budget of the growth plan",
}
_RESET_REASON = "Yearly review with the management team"


def _month_start(day: date) -> date:
    return day.replace(day=1)


def targets_table(world: World) -> pl.DataFrame:
    """Targets of fifteen KPIs, each re-set once with a reason, some for a segment too.

    They hold for whole periods: from the first month of the span on, and anew from the first of a year (of a month,
    where the span has no January in its middle).
    """
    first = _month_start(world.first_day)
    last = world.settings.end
    middle = world.first_day + timedelta(days=int(0.62 * world.days))
    reset = date(middle.year, 1, 1)
    if reset <= world.first_day + timedelta(days=60):
        reset = _month_start(middle)
    monthly = world.settings.orders / world.days * 30.4
    home = world.profile.countries[0].code
    # Money of an order in the reporting currency; about what the catalogue gives.
    value = 135.0 / world.rates[world.currency][0]
    budget = 5.6 / world.rates[world.currency][0]
    rows = []

    def add(
        kpi: str, grain: str, old: dict, new: dict, dimension: str = "all", dimension_value: str = "all"
    ) -> None:
        """Two rows of a target: the old levels to the day before the re-set, the new ones open."""
        shared = {
            "kpi_id": kpi,
            "period_grain": grain,
            "dimension": dimension,
            "dimension_value": dimension_value,
            "min_volume": _MIN_VOLUME.get(kpi),
        }
        begins = [first - timedelta(days=first.weekday()) if grain == "week" else first, reset]
        if grain == "quarter":
            begins[0] = date(first.year, (first.month - 1) // 3 * 3 + 1, 1)
        if grain == "year":
            begins[0] = date(first.year, 1, 1)
        again = _RESET_REASONS.get(kpi, _RESET_REASON)
        for levels, begin, who, why in ((old, begins[0], "Finance", _FIRST_REASON), (new, reset, "Management", again)):
            if levels is new and not first < reset <= last:
                continue
            rows.append(shared | levels | {"valid_from": begin, "set_by": who, "reason": why})

    def scaled(base: float, warn: float, alert: float) -> dict:
        return {"target": base, "warn": base * warn, "alert": base * alert}

    add("orders", "month", scaled(0.75 * monthly, 0.9, 0.75), scaled(1.2 * monthly, 0.92, 0.8))
    add("orders", "month", scaled(0.35 * monthly, 0.9, 0.75), scaled(0.5 * monthly, 0.9, 0.75), "country", home)
    add("gmv", "month", scaled(0.75 * monthly * value, 0.9, 0.75), scaled(1.2 * monthly * value, 0.92, 0.8))
    add("gmv", "year", scaled(9.0 * monthly * value, 0.9, 0.75), scaled(14.0 * monthly * value, 0.92, 0.8))
    add(
        "ad_spend", "month",
        {"target_low": 0.5 * monthly * budget, "target_high": 1.1 * monthly * budget, "alert": 0.2 * monthly * budget},
        {"target_low": 0.8 * monthly * budget, "target_high": 1.2 * monthly * budget, "alert": 0.2 * monthly * budget},
    )  # fmt: skip
    add(
        "buyer_seller_ratio", "month",
        {"target_low": 3.0, "target_high": 6.0, "warn": 0.5, "alert": 2.0},
        {"target_low": 4.0, "target_high": 7.0, "warn": 0.5, "alert": 2.0},
    )  # fmt: skip
    for (kpi, grain), levels in _LEVELS.items():
        old, new = (dict(zip(("target", "warn", "alert"), level, strict=True)) for level in levels)
        add(kpi, grain, old, new)
    old, new = scaled(0.15, 1.2, 2.0), scaled(0.12, 1.2, 2.0)
    add("late_shipment_rate", "month", old, new, "category", "kitchen")

    numbers = ("target", "target_low", "target_high", "warn", "alert")
    frame = pl.DataFrame(
        {
            name: [row.get(name) for row in rows]
            for name in ("kpi_id", "period_grain", "dimension", "dimension_value", "valid_from", "set_by", "reason")
        }
        | {"valid_to": pl.repeat(None, len(rows), dtype=pl.Date, eager=True)}
        | {"min_volume": pl.Series([row["min_volume"] for row in rows], dtype=pl.Int64)}
        | {name: pl.Series([row.get(name) for row in rows], dtype=pl.Float64) for name in numbers}
    )
    # Re-set a fortnight before they hold.
    known = np.asarray([row["valid_from"] for row in rows], dtype="M8[s]") - np.timedelta64(14 * 86_400, "s")
    world.truth["targets"] = {
        "kpis": sorted(set(frame["kpi_id"])),
        "re_set_on": reset.isoformat() if first < reset <= last else None,
    }
    return frame.with_columns(instants(known).alias("_created_at"))


def policies_table(world: World) -> pl.DataFrame:
    """One policy of the operator's own, which some sellers are under."""
    rows = (
        ("order_defect_rate", "<", 0.01, 0.015, 60, 70),
        ("late_shipment_rate", "<=", 0.03, 0.06, 30, 20),
        ("acceptance_rate", ">=", 0.98, 0.96, 30, 25),
        ("avg_rating", ">", 4.2, 3.5, 180, 10),
        ("seller_response_sla_24h_rate", ">=", None, 0.90, 90, 10),
    )
    columns = ("kpi_id", "operator", "alert_value", "limit_value", "window_days", "min_volume")
    return pl.DataFrame({name: [row[n] for row in rows] for n, name in enumerate(columns)}).with_columns(
        pl.lit("strict").alias("policy"), instants(np.full(len(rows), world.start)).alias("_created_at")
    )


def calendar_table(world: World) -> pl.DataFrame:
    """The operator's own calendar: an incident and a sale of its own, school holidays, days off that no list knows."""
    codes = [land.code for land in world.profile.countries]
    kinds = {"sale": "sales_season"}
    rows = [
        (date.fromisoformat(day["date"]), code, day["explained_by"], kinds.get(day["kind"], day["kind"]))
        for day in world.truth["anomalous_days"]
        for code in codes
        if day["explained_by"]
    ]
    begin = max(world.first_day, world.settings.end - timedelta(days=13))
    rows += [
        (begin + timedelta(days=number), codes[0], "School holidays", "school_holiday")
        for number in range((world.settings.end - begin).days + 1)
    ]
    rows.append((world.first_day + timedelta(days=world.days // 3), codes[0], "Local holiday", "public_holiday"))
    for land in world.profile.countries:
        if land.code not in _KNOWN_COUNTRIES:
            rows += [
                (day, land.code, "Public holiday", "public_holiday")
                for day in sorted(holidays(land, world.first_day, world.settings.end))
            ]
    rows.sort(key=lambda row: (row[0], codes.index(row[1]), row[2]))
    # Incidents are entered on their day, the others are known from the beginning.
    known = np.asarray([row[0] if row[3] == "incident" else world.first_day for row in rows], dtype="M8[s]")
    return pl.DataFrame(
        {name: [row[n] for row in rows] for n, name in enumerate(("event_date", "country", "name", "kind"))}
    ).with_columns(instants(known).alias("_created_at"))


def actions_table(world: World) -> pl.DataFrame:
    """Four actions: a campaign, one on a KPI that does not add up, one on a segment, one that has just begun."""
    lift = world.truth["campaign_lift"]
    campaign = (date.fromisoformat(lift["first_day"]), date.fromisoformat(lift["last_day"]))
    home = world.profile.countries[0].code
    end, first = world.settings.end, world.first_day
    rows = [
        ("orders", None, None, campaign[0], campaign[1], "Marketing", "Takeover campaign on social networks",
         "A half more orders while it runs"),
        ("late_shipment_rate", "all", "all", first + timedelta(days=int(0.75 * world.days)), None, "Seller management",
         "Weekly call with the ten latest sellers", "Late shipments down by a third"),
        ("sessions", "country", home, first + timedelta(days=int(0.55 * world.days)), None, "Marketing",
         "Newsletter twice a week", "A tenth more visits"),
        ("orders", "all", "all", max(first, end - timedelta(days=8)), end + timedelta(days=5), "Product",
         "Free returns banner", "More orders of new buyers"),
    ]  # fmt: skip
    decided = [max(first, row[3] - timedelta(days=10)) for row in rows]
    known = np.asarray(decided, dtype="M8[s]")
    return pl.DataFrame(
        {
            "action_id": ids("a", np.arange(len(rows)), 3),
            "kpi_id": [row[0] for row in rows],
            "dimension": [row[1] for row in rows],
            "dimension_value": [row[2] for row in rows],
            "decided_on": decided,
            "starts_on": [row[3] for row in rows],
            "ends_on": pl.Series([row[4] for row in rows], dtype=pl.Date),
            "owner": [row[5] for row in rows],
            "action": [row[6] for row in rows],
            "expected_effect": [row[7] for row in rows],
            "status": ["done", "done", "done", "running"],
            "_created_at": instants(known),
        }
    )
