"""The input contract as this package reads it: every table, its key and its columns.

One line per column: name, `*` when it is required (`+` when the column is, not its values), type and bounds. A leading
`-` marks a column that is judged like any other but that nothing recomputed is made of. Types:

    text      any text
    time      timestamp of something that happened (never later than the delivery day + 1)
    plan      timestamp that may lie in the future
    date      day
    int       whole number
    money     decimal of at most four places
    decimal   decimal of any number of places
    currency  three capital letters
    bool      true or false
    a|b|c     one of these words

Bounds: `>0`, `>=0`, `0..1`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column of the contract. `words` is set for an enumeration, `bounds` as written above, else empty.

    A file lacks nothing without it unless `expected`; a row needs a value in it when `required`.
    """

    name: str
    type: str
    required: bool
    expected: bool
    used: bool
    words: tuple[str, ...]
    bounds: str


@dataclass(frozen=True)
class Table:
    """A table of the contract: its key and its columns by name."""

    name: str
    key: tuple[str, ...]
    columns: dict[str, Column]

    @property
    def used(self) -> list[str]:
        """The columns that KPIs are made of, and the key."""
        return [column.name for column in self.columns.values() if column.used or column.name in self.key]


WORD_LISTS = {
    "STATUSES": "applied|validated|warned|action_plan|suspended|reinstated|closed|vacation_started|vacation_ended",
    "EVENTS": "page_view|product_view|search|add_to_cart|remove_from_cart|begin_checkout|purchase|feature_use",
}


def _table(name: str, key: str, lines: str) -> Table:
    columns = {}
    for line in lines.strip().splitlines():
        text, kind, *bounds = line.split()
        column = text.strip("-*+")
        kind = WORD_LISTS.get(kind, kind)
        words = tuple(kind.split("|")) if "|" in kind else ()
        columns[column] = Column(
            column, "enum" if words else kind, required=text.endswith("*"), expected=text[-1] in "*+",
            used=not text.startswith("-"), words=words, bounds=bounds[0] if bounds else "")
    return Table(name, tuple(key.split()), columns)


REQUIRED_TABLES = ("customers", "sellers", "products", "orders", "order_lines")

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        _table("customers", "customer_id", """
            customer_id*        text
            created_at          time
            country             text
            region              text
            -city               text
            customer_type       consumer|business
            -email              text
            consent_analytics   bool"""),
        _table("sellers", "seller_id", """
            seller_id*          text
            -seller_name        text
            country             text
            region              text
            registered_at       time
            validated_at        time
            -plan               text
            -policy             text
            -legal_id           text
            -bank_account       text
            -email              text"""),
        _table("seller_status_events", "event_id", """
            event_id*           text
            seller_id*          text
            occurred_at*        time
            status*             STATUSES
            -reason             text
            -kpi_id             text
            -evidence           text
            -policy             text"""),
        _table("products", "product_id", """
            product_id*         text
            -product_name       text
            category            text
            -parent_category    text
            -brand              text
            -product_family     text
            -created_at         time"""),
        _table("offers", "offer_id", """
            offer_id*           text
            seller_id*          text
            product_id*         text
            listed_at*          time
            delisted_at         plan
            -price              money >=0
            -currency           currency
            -stock_quantity     int >=0"""),
        _table("orders", "order_id", """
            order_id*           text
            customer_id*        text
            ordered_at*         time
            paid_at+            time
            currency*           currency
            sales_channel       web|app|store|phone|api
            session_id          text
            country             text
            region              text
            is_test             bool"""),
        _table("order_lines", "order_line_id", """
            order_line_id*      text
            order_id*           text
            seller_id*          text
            product_id*         text
            offer_id            text
            quantity*           int >0
            unit_price*         money >=0
            seller_discount     money >=0
            platform_discount   money >=0
            -shipping_amount    money >=0
            -tax_amount         money
            commission_amount   money
            unit_cost           money
            accepted_at         time
            refused_at          time
            ship_by_at          plan
            shipped_at          time
            promised_delivery_at plan
            delivered_at        time
            cancelled_at        time
            cancelled_by        buyer|seller|platform
            fulfilled_by        seller|platform
            tracking_valid      bool"""),
        _table("payments", "payment_id", """
            payment_id*         text
            order_id*           text
            attempted_at*       time
            status*             succeeded|failed|refused|abandoned
            -method             text
            amount*             money
            currency*           currency
            fee_amount          money
            -failure_reason     text"""),
        _table("returns", "return_id", """
            return_id*          text
            order_line_id*      text
            requested_at*       time
            -received_at        time
            quantity*           int >0
            -reason             text"""),
        _table("refunds", "refund_id", """
            refund_id*          text
            order_line_id*      text
            refunded_at*        time
            amount*             money >=0
            currency*           currency
            reason              return|cancellation|gesture|claim
            commission_reversed money"""),
        _table("claims", "claim_id", """
            claim_id*           text
            order_line_id*      text
            opened_at*          time
            kind*               incident|a_to_z|chargeback
            decided_at          time
            decision            buyer|seller|withdrawn"""),
        _table("reviews", "review_id", """
            review_id*          text
            order_id*           text
            seller_id           text
            product_id          text
            customer_id         text
            subject             seller|product
            rating*             int 1..5
            -comment            text
            created_at*         time
            withdrawn_at        time"""),
        _table("seller_fees", "fee_id", """
            fee_id*             text
            seller_id*          text
            charged_at*         time
            -kind*              subscription|advertising|logistics|penalty|other
            amount*             money
            currency*           currency"""),
        _table("operating_costs", "cost_id", """
            cost_id*            text
            cost_date*          date
            -kind*              hosting|support|fraud|staff|other
            amount*             money
            currency*           currency"""),
        _table("exchange_rates", "rate_date currency", """
            rate_date*          date
            currency*           currency
            rate_to_eur*        decimal >0"""),
        _table("events", "event_id", """
            event_id*           text
            occurred_at*        time
            event_name*         EVENTS
            visitor_id*         text
            session_id          text
            customer_id         text
            cart_id             text
            order_id            text
            product_id          text
            seller_id           text
            -offer_id           text
            -page_url           text
            page_type           text
            -search_term        text
            search_results      int >=0
            feature             text
            -engagement_ms      int >=0
            load_ms             int >=0
            source              text
            medium              text
            campaign_id         text
            device              mobile|desktop|tablet|app
            country             text
            region              text
            is_bot              bool"""),
        _table("ad_spend", "spend_date platform campaign_id", """
            spend_date*         date
            platform*           text
            campaign_id*        text
            -campaign_name      text
            channel             text
            objective           traffic|sales|leads|retention
            audience            buyers|sellers
            impressions*        int >=0
            clicks*             int >=0
            cost*               money >=0
            currency*           currency"""),
        _table("leads", "lead_id", """
            lead_id*            text
            created_at*         time
            person_key          text
            -audience*          buyers|sellers
            channel             text
            campaign_id         text
            qualified_at        time
            converted_at        time
            -customer_id        text
            -seller_id          text"""),
        _table("experiments", "experiment variant", """
            -experiment*        text
            -variant*           text
            -is_control*        bool
            -expected_share*    decimal 0..1
            -started_at*        plan
            -ended_at           plan
            -kpi_id*            text"""),
        _table("features", "feature", """
            feature*            text
            released_at*        plan
            -description        text"""),
        _table("experiment_assignments", "experiment visitor_id", """
            -experiment*        text
            -visitor_id*        text
            -variant*           text
            -assigned_at*       time"""),
        _table("support_tickets", "ticket_id", """
            ticket_id*          text
            opened_at*          time
            -requester*         buyer|seller
            handled_by*         operator|seller
            -customer_id        text
            seller_id           text
            order_id            text
            topic               text
            first_response_at   time
            resolved_at         time
            reopened_at         time
            is_spam             bool
            needs_response      bool"""),
        _table("survey_invitations", "invitation_id", """
            invitation_id*      text
            survey*             nps|csat|ces|relationship|value_fit
            wave*               hot|cold
            respondent*         buyer|seller
            customer_id         text
            seller_id           text
            order_id            text
            sent_at*            time
            is_delivered        bool
            answered_at         time
            score               int 0..10
            -comment            text"""),
        _table("kpi_targets", "kpi_id period_grain dimension dimension_value valid_from", """
            kpi_id*            text
            period_grain*      week|month|quarter|year
            dimension*         text
            dimension_value*   text
            valid_from*        date
            valid_to           date
            target             decimal
            target_low         decimal
            target_high        decimal
            warn               decimal
            alert              decimal
            min_volume         int >=0
            set_by             text
            reason             text"""),
        _table("seller_policies", "policy kpi_id", """
            -policy*            text
            -kpi_id*            text
            -operator*          <|<=|>|>=
            -alert_value        decimal
            -limit_value*       decimal
            -window_days*       int 1..3660
            -min_volume         int >=0"""),
        _table("calendar_events", "event_date country name", """
            event_date*        date
            country*           text
            name*              text
            kind*              public_holiday|sales_season|school_holiday|incident"""),
        _table("feed_coverage", "table_name covers_from", """
            table_name*         text
            covers_from*        date
            covers_to           date"""),
        _table("action_log", "action_id", """
            action_id*         text
            kpi_id*            text
            dimension          text
            dimension_value    text
            decided_on         date
            starts_on*         date
            ends_on            date
            owner              text
            action*            text
            expected_effect    text
            status             text"""),
    )
}
