"""The KPIs: family, dimensions, maturity and what they need.

One line per KPI, in the module of its family: id, maturity in days for a cohort KPI (`-` for an event KPI), dimensions
(comma-separated, `-` for none) and needs (comma-separated, `-` for none): a table, `table.column`,
`table.column=value`, `events:purchase` for `events.event_name=purchase`, or alternatives of these (`a|b`).
"""

from __future__ import annotations

from dataclasses import dataclass

# What several KPIs have in common, by the name that a line gives it in braces.
SHARED = {
    "order_dimensions": "country,region,category,seller,sales_channel,customer_type,channel",
    "buyer_dimensions": "country,region,customer_type,channel",
    "web_dimensions": "channel,device,country,region",
    "quality_dimensions": "seller,category,country,region",
    "review_dimensions": "seller,category,country,region,subject",
    "commission": "order_lines.commission_amount",
    "shipped": "order_lines.shipped_at|order_lines.delivered_at",
    "net": "refunds|order_lines.cancelled_at|order_lines.refused_at",
    "direct_cost": "order_lines.unit_cost|payments.fee_amount",
    "attribution": "events.source|events.medium,events.customer_id|events.order_id|orders.session_id",
    "unpaid": "payments.status=failed|payments.status=refused|payments.status=abandoned",
    "buyer_ads": "ad_spend.audience=buyers",
    "looked": "events:page_view|events:product_view|events:search",
    "joined": "sellers.registered_at|sellers.validated_at",
}



@dataclass(frozen=True)
class Kpi:
    """A KPI's frame: `maturity` is None for an event KPI, days for a cohort KPI."""

    kpi_id: str
    family: str
    maturity: int | None
    dimensions: tuple[str, ...]
    needs: tuple[str, ...]


def _listed(text: str) -> tuple[str, ...]:
    return () if text == "-" else tuple(text.split(","))


KPIS: dict[str, Kpi] = {}


def declare(family: str, lines: str) -> None:
    """Adds the KPIs of a family, one a line; each family does it beside its calculation."""
    for line in lines.strip().splitlines():
        kpi_id, maturity, dimensions, needs = line.format(**SHARED).split()
        days = None if maturity == "-" else int(maturity)
        KPIS[kpi_id] = Kpi(kpi_id, family, days, _listed(dimensions), _listed(needs))
