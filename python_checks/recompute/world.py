"""What the KPIs share: the rows known at as_of, orders, lines, seller orders, buyers and sessions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cached_property
from zoneinfo import ZoneInfo

import polars as pl

from python_checks.recompute import web
from python_checks.recompute.coverage import Coverage, Presence
from python_checks.recompute.extracts import Extracts
from python_checks.recompute.files import ExtractError
from python_checks.recompute.measure import UNKNOWN
from python_checks.recompute.money import Money
from python_checks.recompute.periods import Calendar, hours_between

# When a row happened (later rows are unknown at as_of) and what may have happened to it since (unknown when later).
HAPPENED: dict[str, tuple[str, tuple[str, ...]]] = {
    "orders": ("ordered_at", ("paid_at",)),
    "order_lines": ("", ("accepted_at", "refused_at", "shipped_at", "delivered_at", "cancelled_at")),
    "payments": ("attempted_at", ()),
    "returns": ("requested_at", ()),
    "refunds": ("refunded_at", ()),
    "claims": ("opened_at", ("decided_at",)),
    "reviews": ("created_at", ("withdrawn_at",)),
    "seller_fees": ("charged_at", ()),
    "seller_status_events": ("occurred_at", ()),
    "events": ("occurred_at", ()),
    "leads": ("created_at", ("qualified_at", "converted_at")),
    "support_tickets": ("opened_at", ("first_response_at", "resolved_at", "reopened_at")),
    "survey_invitations": ("sent_at", ("answered_at",)),
}
ORDER_DIMENSIONS = ["country", "region", "sales_channel", "customer_type", "channel"]
BUYER_DIMENSIONS = ["country", "region", "customer_type", "channel"]
LINE_DIMENSIONS = ["country", "region", "customer_type"]
TIES = "events.customer_id|events.order_id|orders.session_id"  # what ties visitors to buyers
TIME = pl.Datetime("us", "UTC")
# what every family needs
KEPT = {"_web", "all_orders", "all_lines", "refunds", "_test_orders", "_test_lines", "_placed"}
LINE_AMOUNTS = ["line_value", "platform_discount", "commission_amount", "handling_cost"]


class KnownTables(dict):
    """Tables by name, made when first asked for."""

    def __init__(self, known: Callable[[str], pl.DataFrame]) -> None:
        super().__init__()
        self._make = known

    def __missing__(self, table: str) -> pl.DataFrame:
        self[table] = self._make(table)
        return self[table]


class World:
    """The marketplace at the end of as_of.

    `rules` are the channel rules. `as_of` unset means the latest business day of a non-test order or non-bot event,
    never later than `today` (the day of the build). Raises ValueError when there is neither an order nor an event.

    Tables are read when first asked for; what is large and not needed again can be forgotten.
    """

    def __init__(
        self, extracts: Extracts, *, timezone: str, currency: str, rules: list[web.ChannelRule],
        as_of: dt.date | None = None, today: dt.date | None = None,
    ) -> None:
        self.extracts = extracts
        self.rules = rules
        self.presence = Presence(extracts.__getitem__)
        self.has = self.presence.has
        self.money = Money(extracts["exchange_rates"], currency)
        self.calendar = self._calendar(timezone, as_of, today or dt.datetime.now(ZoneInfo(timezone)).date())
        self.coverage = Coverage(self.calendar, extracts.__getitem__, self.presence)
        self.tables = KnownTables(self._known)

    def require_a_paid_order(self) -> None:
        """Raises ExtractError when no non-test order is paid by as_of: then there is nothing to publish."""
        if not self.tables["orders"]["paid_at"].count():
            raise ExtractError(f"orders: no order that is not a test is paid by {self.calendar.as_of}")

    def forget(self, *tables: str) -> None:
        """Drops tables, and what was made of tables and is not needed by every family."""
        if "events" in tables and "_web" in vars(self):
            self.all_orders  # noqa: B018 (made while the sessions are at hand)
            del self._web
        for name in [name for name in vars(self) if name not in KEPT and hasattr(type(self), name)]:
            delattr(self, name)
        for table in tables:
            self._note(table)
            self.tables.pop(table, None)
            self.extracts.forget(table)

    def _note(self, table: str) -> None:
        self.presence.note(table)
        self.coverage.note(table)

    # -- what is known ------------------------------------------------------------------------------------------------

    def _calendar(self, timezone: str, as_of: dt.date | None, today: dt.date) -> Calendar:
        orders = self.extracts["orders"].filter(~pl.col("is_test").fill_null(False))["ordered_at"]
        moments = [orders, self.extracts["events"]["occurred_at"]]
        first, last = (
            pl.DataFrame({"moment": [getattr(times, edge)() for times in moments if len(times)]}, {"moment": TIME})
            for edge in ("min", "max"))
        if first.is_empty():
            raise ValueError("the extracts hold neither an order nor an event: there is no span")
        day = pl.col("moment").dt.convert_time_zone(timezone).dt.date()
        first_day, last_day = first.select(day.min()).item(), last.select(day.max()).item()
        last_day = as_of or min(last_day, today)
        return Calendar(min(first_day, last_day), last_day, timezone)

    @cached_property
    def _test_orders(self) -> pl.DataFrame:
        return self.extracts["orders"].filter(pl.col("is_test").fill_null(False)).select("order_id")

    @cached_property
    def _test_lines(self) -> pl.DataFrame:
        return self.extracts["order_lines"].join(self._test_orders, on="order_id", how="semi").select("order_line_id")

    def _known(self, table: str, forget: bool = False) -> pl.DataFrame:
        """A table without what belongs to test orders and without what happened after as_of.

        One that is to be forgotten is never held twice.
        """
        frame = self.extracts[table]
        if forget:
            self.extracts.forget(table)
        happened, since = HAPPENED.get(table, ("", ()))
        end = pl.lit(self.calendar.end)
        conditions = []
        for key, tests in (("order_id", "_test_orders"), ("order_line_id", "_test_lines")):
            if key in frame.columns and not (key == "order_line_id" and "order_id" in frame.columns):
                test_keys = getattr(self, tests)[key].cast(frame.schema[key])
                conditions.append(~pl.col(key).is_in(test_keys.implode()).fill_null(False))
        if happened:
            conditions.append(pl.col(happened) < end)
        is_known = frame.select(pl.all_horizontal(conditions)).to_series() if conditions else None
        if is_known is not None and not is_known.all():
            columns = []
            for name in frame.columns:
                columns.append(frame[name].filter(is_known))
                frame = frame.drop(name)
            frame = pl.DataFrame(columns)
        if table == "claims":
            frame = frame.with_columns(pl.when((pl.col("decided_at") < end).fill_null(True)).then("decision"))
        return frame.with_columns(pl.when(pl.col(column) < end).then(column) for column in since)

    # -- commerce -----------------------------------------------------------------------------------------------------

    @cached_property
    def _placed(self) -> pl.DataFrame:
        """Non-test orders with their day, and country, region and customer type (the order's, else the customer's)."""
        customers = self.tables["customers"].select(
            "customer_id", "customer_type", customer_country="country", customer_region="region")
        return self.tables["orders"].join(customers, on="customer_id", how="left", maintain_order="left").with_columns(
            order_day=self.calendar.day("ordered_at"),
            country=pl.coalesce("country", "customer_country"),
            region=pl.coalesce("region", "customer_region"),
        )

    @cached_property
    def all_orders(self) -> pl.DataFrame:
        """One row per non-test order, paid or not, with channel, is_paid_channel and campaign of its session.

        Where tracking does not reach, the channel is null.
        """
        refusing = self.tables["customers"].filter(~pl.col("consent_analytics"))["customer_id"]
        covered = self.coverage.covered("events") if self.has(TIES) else []
        days = [day for day, is_covered in zip(self.coverage.days, covered, strict=False) if is_covered]
        tracked = pl.DataFrame({"day": days}, {"day": pl.Date})
        attributed = web.attribution(self._placed, self._web, refusing, tracked)
        return self._placed.join(attributed, on="order_id", how="left", maintain_order="left")

    def with_category(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with the category of its products; where it is missing, as one that is called `unknown`."""
        categories = self.tables["products"].select("product_id", "category")
        return frame.join(categories, on="product_id", how="left", maintain_order="left").with_columns(
            pl.col("category").fill_null(UNKNOWN))

    @cached_property
    def all_lines(self) -> pl.DataFrame:
        """One row per line of a non-test order, paid or not, with its order's attributes, amounts in exact units.

        line_value, net_value (what is left of it in gmv_net), commission, platform_discount and handling_cost;
        is_paid, is_valid, is_accepted and the states a seller order is made of.
        """
        order = self.all_orders.select(
            "order_id", "customer_id", "order_day", "paid_at", "currency", *LINE_DIMENSIONS)
        quantity = pl.col("quantity").cast(pl.Int128)
        lines = self.with_category(self.tables["order_lines"].join(order, on="order_id", maintain_order="left"))
        lines = self.money.convert(
            lines.with_columns(
                line_value=quantity * pl.col("unit_price") - pl.col("seller_discount").fill_null(0),
                handling_cost=quantity * pl.col("unit_cost"),
            ).drop("unit_price", "seller_discount", "unit_cost"), LINE_AMOUNTS, "order_day")

        cancelled, refused = pl.col("cancelled_at").is_not_null(), pl.col("refused_at").is_not_null()
        ship_at = pl.coalesce("shipped_at", "delivered_at")
        before_shipment = cancelled & (ship_at.is_null() | (pl.col("cancelled_at") < ship_at))
        if self.has("order_lines.accepted_at"):
            accepted_at = pl.col("accepted_at")
            before_acceptance = cancelled & (accepted_at.is_null() | (pl.col("cancelled_at") < accepted_at))
            is_accepted = accepted_at.is_not_null() & ~refused
        else:  # no acceptance step
            before_acceptance, is_accepted = before_shipment, ~refused & ~before_shipment
        by_buyer, by_seller = (pl.col("cancelled_by") == who for who in ("buyer", "seller"))
        by_other = pl.col("cancelled_by").is_in(["seller", "platform"])
        day = self.calendar.day
        lines = lines.with_columns(
            commission="commission_amount",
            seller="seller_id",
            is_paid=pl.col("paid_at").is_not_null(),
            is_cancelled_or_refused=cancelled | refused,
            is_accepted=is_accepted,
            # the acceptance of a seller order looks at the lines that take part in it
            takes_part=~(before_acceptance & by_buyer).fill_null(False),
            counts_as_refused=refused | (before_acceptance & by_other).fill_null(False),
            to_ship=~refused & ~before_shipment,
            is_seller_cancelled=refused | (before_shipment & by_seller).fill_null(False),
            ship_at=ship_at,
            ship_day=day(ship_at),
            promised_day=day("promised_delivery_at"),
            delivered_day=day("delivered_at"),
        ).with_columns(is_valid=pl.col("is_paid") & ~pl.col("is_cancelled_or_refused")).drop(
            "commission_amount", "currency", "refused_at", "cancelled_at", "cancelled_by", "promised_delivery_at")

        refunded = self.refunds.group_by("order_line_id").agg(refunded=pl.sum("amount"))
        kept = pl.max_horizontal(pl.col("line_value") - pl.col("refunded").fill_null(0), pl.lit(0, pl.Int128))
        return lines.join(refunded, on="order_line_id", how="left", maintain_order="left").with_columns(
            net_value=pl.when(pl.col("is_cancelled_or_refused")).then(pl.lit(0, pl.Int128)).otherwise(kept))

    @property
    def lines(self) -> pl.DataFrame:
        """The lines of paid orders."""
        return self.all_lines.filter("is_paid")

    @property
    def valid_lines(self) -> pl.DataFrame:
        """The lines of paid orders that are neither cancelled nor refused."""
        return self.lines.filter("is_valid")

    @property
    def shipped_lines(self) -> pl.DataFrame:
        """The lines, of paid orders or not, that have left."""
        return self.all_lines.filter(pl.col("ship_day").is_not_null())

    @cached_property
    def refunds(self) -> pl.DataFrame:
        """Refunds in exact units at the rate of the refund day (`day`), with amount and commission_reversed."""
        refunds = self.tables["refunds"].with_columns(day=self.calendar.day("refunded_at"))
        return self.money.convert(refunds, ["amount", "commission_reversed"], "day")

    @cached_property
    def payments(self) -> pl.DataFrame:
        """Payment attempts with day, is_succeeded, country and region of the order, amounts in exact units."""
        place = self._placed.select("order_id", "country", "region")
        payments = self.tables["payments"].join(place, on="order_id", how="left", maintain_order="left").with_columns(
            day=self.calendar.day("attempted_at"), is_succeeded=pl.col("status") == "succeeded")
        return self.money.convert(payments, ["amount", "fee_amount"], "day")

    @cached_property
    def orders(self) -> pl.DataFrame:
        """One row per paid order, columns as in `orders_by`; a paid order without lines has zeros."""
        paid = self.all_orders.filter(pl.col("paid_at").is_not_null())
        orders = paid.join(self._order_sums(["order_id"]), on="order_id", how="left", maintain_order="left")
        return orders.with_columns(
            pl.col("is_valid", "is_cancelled").fill_null(False),
            pl.col("quantity", "products", "gmv", "net_value", "valid_value", "commission", "earned").fill_null(0),
        )

    def orders_by(self, by: str) -> pl.DataFrame:
        """One row per paid order and `category` or `seller` of its lines, made of those lines only.

        gmv, net_value and quantity are of all lines; valid_value, commission, products (how many) and earned
        (commission less platform discounts and handling costs) of the valid ones. is_cancelled: one line at least is.
        """
        return self._order_sums(["order_id", by]).join(self.all_orders, on="order_id", maintain_order="left")

    def _order_sums(self, keys: list[str]) -> pl.DataFrame:
        valid = pl.col("is_valid")
        earned = pl.col("commission") - pl.col("platform_discount") - pl.col("handling_cost")
        return self.lines.group_by(keys, maintain_order=True).agg(
            gmv=pl.sum("line_value"),
            net_value=pl.sum("net_value"),
            valid_value=pl.col("line_value").filter(valid).sum(),
            commission=pl.col("commission").filter(valid).sum(),
            earned=earned.filter(valid).sum(),
            quantity=pl.sum("quantity"),
            products=pl.col("product_id").filter(valid).n_unique().cast(pl.Int64),
            is_valid=valid.any(),
            is_cancelled=pl.any("is_cancelled_or_refused"),
        )

    @cached_property
    def buyer_orders(self) -> pl.DataFrame:
        """One row per valid order as its buyer's history: nth (1 is the first ever), first_day, second_day.

        country and region are the order's; channel, is_paid_channel and campaign those of the first valid order.
        """
        orders = self.orders.filter("is_valid").sort("customer_id", "ordered_at", "order_id")
        day = pl.col("order_day")
        return orders.with_columns(
            pl.col("channel", "is_paid_channel", "campaign").first().over("customer_id"),
            nth=pl.int_range(1, pl.len() + 1).over("customer_id"),
            first_day=day.first().over("customer_id"),
            second_day=day.get(1, null_on_oob=True).over("customer_id"),
        )

    @cached_property
    def purchases(self) -> pl.DataFrame:
        """The same with the customer's country and region, as for everything counted in buyers."""
        return self.buyer_orders.with_columns(country="customer_country", region="customer_region")

    @cached_property
    def new_buyers(self) -> pl.DataFrame:
        """One row per buyer: the first of their purchases."""
        return self.purchases.filter(pl.col("nth") == 1)

    def seller_orders(self, lines: pl.DataFrame, by: str | None = None) -> pl.DataFrame:
        """One row per paid order and seller (and category, when `by` it) of these lines of paid orders.

        state (accepted, refused, waiting, or null when the buyer cancelled everything before acceptance), accepted_at,
        ship_by_at, shipped_at, delivered_at, is_seller_cancelled, has_bad_review, has_review, has_defect_claim.
        """
        keys = ["order_id", "seller_id"] if by is None else ["order_id", "seller_id", by]
        takes_part, to_ship, valid = pl.col("takes_part"), pl.col("to_ship"), pl.col("is_valid")

        def latest_if_all(moment: str, among: pl.Expr) -> pl.Expr:
            moments = pl.col(moment).filter(among)
            return pl.when(moments.null_count() == 0).then(moments.max())

        state = (
            pl.when(~takes_part.any()).then(None)
            .when(pl.col("counts_as_refused").filter(takes_part).any()).then(pl.lit("refused"))
            .when(pl.col("is_accepted").filter(takes_part).all()).then(pl.lit("accepted"))
            .otherwise(pl.lit("waiting"))
        )
        seller_orders = lines.join(self._defect_claims, on="order_line_id", how="left", maintain_order="left").group_by(
            keys, maintain_order=True
        ).agg(
            pl.first("order_day", "paid_at", "country", "region"),
            state=state,
            accepted_at=pl.col("accepted_at").filter(takes_part).max(),
            ship_by_at=pl.col("ship_by_at").filter(to_ship).max(),
            shipped_at=latest_if_all("ship_at", to_ship),
            delivered_at=latest_if_all("delivered_at", valid),
            is_seller_cancelled=pl.any("is_seller_cancelled"),
            has_defect_claim=pl.col("is_defect").fill_null(False).any(),
        ).with_columns(seller="seller_id")
        day = self.calendar.day
        return seller_orders.join(
            self._seller_reviews, on=["order_id", "seller_id"], how="left", maintain_order="left"
        ).with_columns(
            pl.col("has_review", "has_bad_review").fill_null(False),
            ship_by_day=day("ship_by_at"),
            delivered_day=day("delivered_at"),
        )

    @cached_property
    def _defect_claims(self) -> pl.DataFrame:
        """Lines with an a_to_z or chargeback claim neither decided for the seller nor withdrawn."""
        against = ~pl.col("decision").is_in(["seller", "withdrawn"]).fill_null(False)
        claims = self.tables["claims"].filter(pl.col("kind").is_in(["a_to_z", "chargeback"]) & against)
        return claims.select("order_line_id", is_defect=pl.lit(True)).unique()

    @cached_property
    def reviews(self) -> pl.DataFrame:
        """Reviews not withdrawn with day, seller, category (of the product) and country, region (of the order)."""
        only_seller = self.all_lines.group_by("order_id").agg(
            only_seller=pl.when(pl.n_unique("seller_id") == 1).then(pl.first("seller_id")))
        place = self._placed.select("order_id", "country", "region")
        customer = self.tables["customers"].select("customer_id", own_country="country", own_region="region")
        return (
            self.with_category(self.tables["reviews"].filter(pl.col("withdrawn_at").is_null()))
            .join(only_seller, on="order_id", how="left", maintain_order="left")
            .join(place, on="order_id", how="left", maintain_order="left")
            .join(customer, on="customer_id", how="left", maintain_order="left")
            .with_columns(
                day=self.calendar.day("created_at"),
                seller=pl.coalesce("seller_id", "only_seller"),
                country=pl.coalesce("country", "own_country"),
                region=pl.coalesce("region", "own_region"),
            )
        )

    @cached_property
    def _seller_reviews(self) -> pl.DataFrame:
        """Per order and seller: has_review and has_bad_review, from reviews of the seller."""
        return (
            self.reviews.filter((pl.col("subject") == "seller") & pl.col("seller").is_not_null())
            .group_by("order_id", seller_id="seller")
            .agg(has_review=pl.lit(True), has_bad_review=(pl.col("rating") <= 2).any())
        )

    # -- service ------------------------------------------------------------------------------------------------------

    @cached_property
    def tickets(self) -> pl.DataFrame:
        """Tickets that are no spam, with day, response_hours and resolution_hours."""
        opened = pl.col("opened_at")
        return self.tables["support_tickets"].filter(~pl.col("is_spam").fill_null(False)).with_columns(
            day=self.calendar.day("opened_at"),
            response_hours=hours_between(opened, pl.col("first_response_at")),
            resolution_hours=hours_between(opened, pl.col("resolved_at")),
        )

    @cached_property
    def surveys(self) -> pl.DataFrame:
        """Invitations with answer_day, is_answer, and country and region of the buyer or seller asked."""
        customer = self.tables["customers"].select("customer_id", country="country", region="region")
        seller = self.seller_places.rename({"country": "seller_country", "region": "seller_region"})
        is_seller = pl.col("respondent") == "seller"
        return (
            self.tables["survey_invitations"]
            .join(customer, on="customer_id", how="left", maintain_order="left")
            .join(seller, on="seller_id", how="left", maintain_order="left")
            .with_columns(
                country=pl.when(is_seller).then("seller_country").otherwise("country"),
                region=pl.when(is_seller).then("seller_region").otherwise("region"),
                answer_day=self.calendar.day("answered_at"),
                is_answer=pl.col("answered_at").is_not_null() & pl.col("score").is_not_null(),
            )
        )

    # -- sellers ------------------------------------------------------------------------------------------------------

    @cached_property
    def sellers(self) -> pl.DataFrame:
        """Sellers with the day they joined: validation, or registration where no seller has a validation at all."""
        joined = "validated_at" if self.has("sellers.validated_at") else "registered_at"
        return self.tables["sellers"].with_columns(joined_day=self.calendar.day(joined))

    @cached_property
    def seller_places(self) -> pl.DataFrame:
        """seller_id, country, region of sellers."""
        return self.tables["sellers"].select("seller_id", "country", "region")

    # -- web ----------------------------------------------------------------------------------------------------------

    @cached_property
    def _web(self) -> web.Web:
        self._note("events")
        return web.read_web(self._known("events", forget=True), self.rules, self.calendar)

    @property
    def sessions(self) -> pl.DataFrame:
        """One row per session; row n is session n."""
        return self._web.sessions

    def events_of(self, kind: str, *columns: str) -> pl.DataFrame:
        """Events of a kind: session, columns of theirs, their day, and channel, device, country, region and day of the
        session."""
        events = self._web.kinds[kind].select("session", "occurred_at", *columns)
        session = self.sessions.select(*web.SESSION_DIMENSIONS, session_day="day")[events["session"]]
        return events.with_columns(day=self.calendar.day("occurred_at")).hstack(session)

    @cached_property
    def product_views(self) -> pl.DataFrame:
        """product_view events with the category of their product, `unknown` where it is missing, and their seller."""
        categories = self.tables["products"].select(
            pl.col("product_id").cast(pl.Categorical), pl.col("category").cast(pl.Categorical))
        views = self.events_of("product_view", "product_id", "seller_id").drop(web.SESSION_DIMENSIONS)
        views = views.join(categories, on="product_id", how="left").rename({"seller_id": "seller"})
        return views.with_columns(pl.col("category").fill_null(UNKNOWN))

    @cached_property
    def carts(self) -> pl.DataFrame:
        """One row per cart."""
        return web.carts_of(self._web, self.calendar)

    # -- spend --------------------------------------------------------------------------------------------------------

    @cached_property
    def ad_spend(self) -> pl.DataFrame:
        """Advertising spend per row of the extract, cost in exact units at the rate of the spend day."""
        return self.money.convert(self.tables["ad_spend"], ["cost"], "spend_date").with_columns(campaign="campaign_id")

    def spend_on(self, audience: str, all_but: str) -> pl.DataFrame:
        """Spend on an audience with another objective than this one; spend without an objective has another."""
        is_other = (pl.col("objective") != all_but).fill_null(True)
        return self.ad_spend.filter((pl.col("audience") == audience) & is_other)
