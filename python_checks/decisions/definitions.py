"""What a KPI is, as far as a decision depends on it."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

COUNTS = {
    "ad_impressions", "ad_clicks", "new_buyers", "leads", "sessions", "visitors", "page_views", "searches",
    "product_views", "orders", "valid_orders", "transactions", "active_buyers", "period_buyers", "reviews",
    "seller_orders", "registered_customers", "registered_sellers", "listed_sellers", "active_sellers", "new_sellers",
}
SUMS = {
    "ad_spend", "transaction_volume", "gmv", "gmv_net", "platform_revenue", "refunded_amount", "gross_margin",
    "contribution_margin",
}
PERCENTILES = {
    "median_session_duration", "page_load_p75", "median_order_value", "first_response_time_median",
    "first_response_time_p90", "resolution_time_median", "acceptance_time_median", "processing_time_median",
    "processing_time_p90", "seller_response_time_median", "time_to_first_sale_median",
}
# Dated rolling: the days of the window, None for a stock.
ROLLING = {
    "active_buyers": 365, "churn_rate_180d": 360, "second_seller_rate": 365, "registered_customers": None,
    "registered_sellers": None, "listed_sellers": None, "active_sellers": 30, "buyer_seller_ratio": 30,
    "seller_churn_rate_180d": 360, "offer_liquidity_rate": 30,
}
# A period's terms are not the sums of its days': distinct things, percentiles, windows, squares, terms that a condition
# makes null.
NOT_ADDITIVE = PERCENTILES | ROLLING.keys() | {
    "leads", "lead_conversion_rate", "cpl",  # distinct persons
    "visitors", "new_visitor_rate", "sessions_per_visitor", "conversion_rate_visitor", "feature_adoption_rate",
    "period_buyers", "returning_buyer_share", "retention_rate", "arpu",  # distinct buyers
    "ltv_cac_ratio",  # a value over a value
    "gross_margin_rate",  # only where the revenue is above 0
    "top10_seller_share", "seller_concentration_hhi",
}
SMALL = 20  # minimum volume of ratios, averages and percentiles
COARSE = ("seller", "campaign")


@dataclass(frozen=True)
class Definition:
    """A KPI's definition. `shape` is amount (a count or a sum), ratio or percentile; `window` the days of a KPI dated
    rolling (None: not rolling, or a stock)."""

    kpi_id: str
    family: str
    label_en: str
    label_fr: str
    unit: str
    format: str
    direction: str
    owner: str
    maturity: int
    dimensions: tuple[str, ...]
    numerator: str | None
    denominator: str | None
    action_when_bad: str | None
    pairs_with: tuple[str, ...]
    source_tables: tuple[str, ...]
    scope: str
    shape: str
    is_count: bool
    is_additive: bool
    is_rolling: bool
    window: int | None

    @property
    def min_volume(self) -> int | None:
        """Below which sample size a value says little, unless its target says otherwise."""
        return None if self.shape == "amount" else SMALL

    @property
    def sense(self) -> int:
        """1 where larger is better, -1 where smaller is, 0 for band and neutral."""
        return {"up": 1, "down": -1}.get(self.direction, 0)


def definitions(dim_kpi: pl.DataFrame) -> dict[str, Definition]:
    """By KPI, the words from dim_kpi. What a decision is calculated by (shape, additive, rolling) is known here; only a
    KPI composed of others' terms says it itself."""
    found = {}
    for row in dim_kpi.sort("kpi_id").iter_rows(named=True):
        kpi_id = row["kpi_id"]
        is_custom = bool(row["is_custom"])
        shape = "amount" if kpi_id in COUNTS | SUMS else "percentile" if kpi_id in PERCENTILES else "ratio"
        is_rolling = row["dated_by"].endswith(("rolling", "period end")) if is_custom else kpi_id in ROLLING
        found[kpi_id] = Definition(
            kpi_id=kpi_id,
            **{name: row[name] for name in (
                "family", "label_en", "label_fr", "unit", "format", "direction", "owner", "numerator", "denominator",
                "action_when_bad", "scope")},
            maturity=row["maturity_days"] or 0,
            dimensions=_listed(row["dimensions"]),
            pairs_with=_listed(row["pairs_with"]),
            source_tables=_listed(row["source_tables"]),
            shape=shape,
            is_count=kpi_id in COUNTS,
            is_additive=bool(row["is_additive"]) if is_custom else kpi_id not in NOT_ADDITIVE,
            is_rolling=is_rolling,
            window=ROLLING.get(kpi_id),
        )
    return found


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple((text or "").split())
