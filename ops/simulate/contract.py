"""The shape of every table a simulation writes: columns, types, keys and what depends on what.

Column notation: `name:type`, `*` = required, `~` = not a happened-at time (it may lie in the future).
Types: text, bool, int, money, rate, date, ts.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Column:
    """One column; `happened` marks instants that cannot be later than the delivery that names them."""

    name: str
    type: str
    required: bool
    happened: bool


@dataclass(frozen=True)
class Table:
    """One table. `with_instant` names, per instant, the columns that are only known once it has come.

    A name that begins with `_` is an instant the simulation knows and the table does not publish.
    """

    key: tuple[str, ...]
    columns: dict[str, Column]
    with_instant: dict[str, tuple[str, ...]] = field(default_factory=dict)
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def instants(self) -> list[str]:
        """The happened-at columns, the row's creation first."""
        return [c.name for c in self.columns.values() if c.happened]


def _table(key: str, columns: str, with_instant: dict | None = None, enums: dict | None = None) -> Table:
    parsed = {}
    for word in columns.split():
        name, kind = word.split(":")
        required, future = kind.endswith("*"), kind.endswith("~")
        kind = kind.rstrip("*~")
        parsed[name] = Column(name, kind, required, kind in ("ts", "date") and not future)
    return Table(
        tuple(key.split()),
        parsed,
        {k: tuple(v.split()) for k, v in (with_instant or {}).items()},
        {k: tuple(v.split()) for k, v in (enums or {}).items()},
    )


TABLES: dict[str, Table] = {
    "customers": _table(
        "customer_id",
        "customer_id:text* created_at:ts country:text region:text city:text customer_type:text email:text "
        "consent_analytics:bool",
        enums={"customer_type": "consumer business"},
    ),
    "sellers": _table(
        "seller_id",
        "seller_id:text* seller_name:text country:text region:text registered_at:ts validated_at:ts plan:text "
        "policy:text legal_id:text bank_account:text email:text",
    ),
    "seller_status_events": _table(
        "event_id",
        "event_id:text* seller_id:text* occurred_at:ts* status:text* reason:text kpi_id:text evidence:text policy:text",
        enums={
            "status": "applied validated warned action_plan suspended reinstated closed vacation_started vacation_ended"
        },
    ),
    "products": _table(
        "product_id",
        "product_id:text* product_name:text category:text parent_category:text brand:text product_family:text "
        "created_at:ts",
    ),
    "offers": _table(
        "offer_id",
        "offer_id:text* seller_id:text* product_id:text* listed_at:ts* delisted_at:ts~ price:money currency:text "
        "stock_quantity:int",
        with_instant={"_delisting_known_at": "delisted_at"},
    ),
    "orders": _table(
        "order_id",
        "order_id:text* customer_id:text* ordered_at:ts* paid_at:ts currency:text* sales_channel:text session_id:text "
        "country:text region:text is_test:bool",
        enums={"sales_channel": "web app store phone api"},
    ),
    "order_lines": _table(
        "order_line_id",
        "order_line_id:text* order_id:text* seller_id:text* product_id:text* offer_id:text quantity:int* "
        "unit_price:money* seller_discount:money platform_discount:money shipping_amount:money tax_amount:money "
        "commission_amount:money unit_cost:money accepted_at:ts refused_at:ts ship_by_at:ts~ shipped_at:ts "
        "promised_delivery_at:ts~ delivered_at:ts cancelled_at:ts cancelled_by:text fulfilled_by:text "
        "tracking_valid:bool",
        with_instant={
            "_paid_at": "ship_by_at promised_delivery_at",
            "shipped_at": "tracking_valid",
            "cancelled_at": "cancelled_by",
        },
        enums={"cancelled_by": "buyer seller platform", "fulfilled_by": "seller platform"},
    ),
    "payments": _table(
        "payment_id",
        "payment_id:text* order_id:text* attempted_at:ts* status:text* method:text amount:money* currency:text* "
        "fee_amount:money failure_reason:text",
        enums={"status": "succeeded failed refused abandoned"},
    ),
    "returns": _table(
        "return_id",
        "return_id:text* order_line_id:text* requested_at:ts* received_at:ts quantity:int* reason:text",
    ),
    "refunds": _table(
        "refund_id",
        "refund_id:text* order_line_id:text* refunded_at:ts* amount:money* currency:text* reason:text "
        "commission_reversed:money",
        enums={"reason": "return cancellation gesture claim"},
    ),
    "claims": _table(
        "claim_id",
        "claim_id:text* order_line_id:text* opened_at:ts* kind:text* decided_at:ts decision:text",
        with_instant={"decided_at": "decision"},
        enums={"kind": "incident a_to_z chargeback", "decision": "buyer seller withdrawn"},
    ),
    "reviews": _table(
        "review_id",
        "review_id:text* order_id:text* seller_id:text product_id:text customer_id:text subject:text rating:int* "
        "comment:text created_at:ts* withdrawn_at:ts",
        enums={"subject": "seller product"},
    ),
    "seller_fees": _table(
        "fee_id",
        "fee_id:text* seller_id:text* charged_at:ts* kind:text* amount:money* currency:text*",
        enums={"kind": "subscription advertising logistics penalty other"},
    ),
    "operating_costs": _table(
        "cost_id",
        "cost_id:text* cost_date:date* kind:text* amount:money* currency:text*",
        enums={"kind": "hosting support fraud staff other"},
    ),
    "exchange_rates": _table("rate_date currency", "rate_date:date* currency:text* rate_to_eur:rate*"),
    "events": _table(
        "event_id",
        "event_id:text* occurred_at:ts* event_name:text* visitor_id:text* session_id:text customer_id:text "
        "cart_id:text order_id:text product_id:text seller_id:text offer_id:text page_url:text page_type:text "
        "search_term:text search_results:int feature:text engagement_ms:int load_ms:int source:text medium:text "
        "campaign_id:text device:text country:text region:text is_bot:bool",
        enums={
            "event_name": "page_view product_view search add_to_cart remove_from_cart begin_checkout purchase "
            "feature_use",
            "device": "mobile desktop tablet app",
        },
    ),
    "ad_spend": _table(
        "spend_date platform campaign_id",
        "spend_date:date* platform:text* campaign_id:text* campaign_name:text channel:text objective:text "
        "audience:text impressions:int* clicks:int* cost:money* currency:text*",
        enums={"objective": "traffic sales leads retention", "audience": "buyers sellers"},
    ),
    "leads": _table(
        "lead_id",
        "lead_id:text* created_at:ts* person_key:text audience:text* channel:text campaign_id:text qualified_at:ts "
        "converted_at:ts customer_id:text seller_id:text",
        with_instant={"converted_at": "customer_id seller_id"},
        enums={"audience": "buyers sellers"},
    ),
    "experiments": _table(
        "experiment variant",
        "experiment:text* variant:text* is_control:bool* expected_share:rate* started_at:ts* ended_at:ts kpi_id:text*",
    ),
    "features": _table("feature", "feature:text* released_at:ts* description:text"),
    "experiment_assignments": _table(
        "experiment visitor_id",
        "experiment:text* visitor_id:text* variant:text* assigned_at:ts*",
    ),
    "support_tickets": _table(
        "ticket_id",
        "ticket_id:text* opened_at:ts* requester:text* handled_by:text* customer_id:text seller_id:text "
        "order_id:text topic:text first_response_at:ts resolved_at:ts reopened_at:ts is_spam:bool needs_response:bool",
        enums={"requester": "buyer seller", "handled_by": "operator seller"},
    ),
    "survey_invitations": _table(
        "invitation_id",
        "invitation_id:text* survey:text* wave:text* respondent:text* customer_id:text seller_id:text order_id:text "
        "sent_at:ts* is_delivered:bool answered_at:ts score:int comment:text",
        with_instant={"answered_at": "score comment"},
        enums={
            "survey": "nps csat ces relationship value_fit",
            "wave": "hot cold",
            "respondent": "buyer seller",
        },
    ),
    "kpi_targets": _table(
        "kpi_id period_grain dimension dimension_value valid_from",
        "kpi_id:text* period_grain:text* dimension:text* dimension_value:text* valid_from:date*~ valid_to:date~ "
        "target:rate target_low:rate target_high:rate warn:rate alert:rate min_volume:int set_by:text reason:text",
        enums={"period_grain": "week month quarter year"},
    ),
    "seller_policies": _table(
        "policy kpi_id",
        "policy:text* kpi_id:text* operator:text* alert_value:rate limit_value:rate* window_days:int* min_volume:int",
        enums={"operator": "< <= > >="},
    ),
    "calendar_events": _table(
        "event_date country name",
        "event_date:date*~ country:text* name:text* kind:text*",
        enums={"kind": "public_holiday sales_season school_holiday incident"},
    ),
    "action_log": _table(
        "action_id",
        "action_id:text* kpi_id:text* dimension:text dimension_value:text decided_on:date~ starts_on:date*~ "
        "ends_on:date~ owner:text action:text* expected_effect:text status:text",
    ),
}
