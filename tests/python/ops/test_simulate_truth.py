"""What the simulator planted is found in the committed sample, and the sample holds every situation KPIs depend on."""

import json
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from ops.simulate.contract import TABLES

SAMPLE = Path(__file__).parents[3] / "extracts" / "sample"
TRUTH = json.loads((SAMPLE / "truth.json").read_text(encoding="utf-8"))
SQL_TYPES = {
    "text": "varchar",
    "bool": "boolean",
    "int": "bigint",
    "money": "decimal(18, 4)",
    "rate": "decimal(18, 6)",
    "date": "date",
    "ts": "timestamp",
}


@pytest.fixture(scope="module")
def sample() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    for name, table in TABLES.items():
        if name == "events":
            connection.execute(f"create view events as from '{SAMPLE}/events/*.parquet'")
            continue
        types = {column.name: SQL_TYPES[column.type] for column in table.columns.values()}
        connection.execute(f"create table {name} as from read_csv('{SAMPLE}/{name}.csv', columns = {types})")
    connection.execute(
        """create view live_lines as
        select l.*, o.ordered_at, o.paid_at, p.product_family
        from order_lines as l join orders as o using (order_id) join products as p using (product_id)
        where o.paid_at is not null and not coalesce(o.is_test, false)"""
    )
    return connection


def one(connection: duckdb.DuckDBPyConnection, sql: str, values: list | None = None):
    """The only value of a query."""
    return connection.execute(sql, values or []).fetchone()[0]


def daily_orders(sample) -> dict[date, int]:
    rows = sample.execute(
        f"""select cast(timezone('{TRUTH["business_timezone"]}', timezone('UTC', ordered_at)) as date) as day, count(*)
        from orders group by day"""
    ).fetchall()
    return dict(rows)


@pytest.mark.parametrize("kind", ["spike", "outage"])
def test_anomalous_days_stand_out(sample, kind):
    day = next(date.fromisoformat(d["date"]) for d in TRUTH["anomalous_days"] if d["kind"] == kind)
    orders = daily_orders(sample)
    usual = [orders[day + timedelta(days=n)] for n in range(-14, 15) if n]
    if kind == "spike":
        assert orders[day] > 1.5 * max(usual)
    else:
        assert orders.get(day, 0) < 0.5 * min(usual)


def test_campaign_lift(sample):
    lift = TRUTH["campaign_lift"]
    first, last = date.fromisoformat(lift["first_day"]), date.fromisoformat(lift["last_day"])
    orders = daily_orders(sample)
    length = (last - first).days + 1
    inside = sum(n for day, n in orders.items() if first <= day <= last) / length
    around = [n for day, n in orders.items() if not first <= day <= last and abs((day - first).days - 6) <= 28]
    assert inside / (sum(around) / len(around)) == pytest.approx(lift["order_factor"], rel=0.2)
    spend = sample.execute(
        "select min(spend_date), max(spend_date) from ad_spend where campaign_id = ?", [lift["campaign_id"]]
    ).fetchone()
    assert first <= spend[0] <= spend[1] <= last
    brought = one(
        sample,
        """select count(*) from orders join (
            select distinct visitor_id, session_id from events where campaign_id = ?) using (session_id)""",
        [lift["campaign_id"]],
    )
    assert brought > 0.2 * inside * length


@pytest.mark.parametrize("pair", TRUTH["affinities"], ids=lambda p: p["first_family"])
def test_families_are_bought_together(sample, pair):
    baskets = "(select distinct order_id, product_family from live_lines)"
    total = one(sample, f"select count(distinct order_id) from {baskets}")
    size = {
        f: one(sample, f"select count(*) from {baskets} where product_family = ?", [f])
        for f in (pair["first_family"], pair["second_family"])
    }
    both = one(
        sample,
        f"""select count(*) from {baskets} as a join {baskets} as b using (order_id)
        where a.product_family = ? and b.product_family = ?""",
        [pair["first_family"], pair["second_family"]],
    )
    assert both >= 20
    assert both * total / (size[pair["first_family"]] * size[pair["second_family"]]) > 2


def late_share(sample, sellers: list[dict], after: bool) -> float:
    """Late shipments of some sellers before their change, or after it is complete."""
    window = "ordered_at >= since + interval 90 day" if after else "ordered_at < since"
    sample.execute("create or replace temp table changing (seller_id varchar, since timestamp)")
    sample.executemany("insert into changing values (?, ?)", [(s["seller_id"], s["from"]) for s in sellers])
    return one(
        sample,
        f"""select avg(case when shipped_at > ship_by_at then 1 else 0 end)
        from live_lines join changing using (seller_id) where shipped_at is not null and {window}""",
    )


def test_sellers_get_worse_and_better(sample):
    worse, better = TRUTH["worsening_sellers"], TRUTH["improving_sellers"]
    assert late_share(sample, worse, after=True) > 2 * late_share(sample, worse, after=False)
    assert late_share(sample, better, after=True) < 0.5 * late_share(sample, better, after=False)


def test_experiments(sample):
    for planted in TRUTH["experiments"]:
        counted = dict(
            sample.execute(
                "select variant, count(*) from experiment_assignments where experiment = ? group by variant",
                [planted["experiment"]],
            ).fetchall()
        )
        assert counted == planted["visitors"]
        rate = {v: planted["visitors_with_an_order_session"][v] / counted[v] for v in "ab"}
        if planted["planted_relative_lift"]:
            assert rate["b"] / rate["a"] == pytest.approx(1 + planted["planted_relative_lift"], rel=0.15)
        share = counted["b"] / (counted["a"] + counted["b"])
        assert share == pytest.approx(planted["real_share_b"], abs=0.025)


def test_every_word_of_the_contract_is_used(sample):
    for name, table in TABLES.items():
        for column, words in table.enums.items():
            used = {row[0] for row in sample.execute(f"select distinct {column} from {name}").fetchall()}
            assert used - {None} == set(words), f"{name}.{column}"


def test_sessions_end_as_those_of_a_marketplace_do(sample):
    """Conversion of 1 to 4 % in every month, 60 to 80 % of the carts abandoned, half of the sessions engaged."""
    sample.execute(
        """create or replace temp table visits as
        select
            date_trunc('month', min(occurred_at)) as month, count(*) filter (event_name = 'page_view') as pages,
            count(*) filter (event_name = 'add_to_cart') as adds, count(*) filter (event_name = 'purchase') as purchases
        from events where session_id is not null and not coalesce(is_bot, false) group by visitor_id, session_id"""
    )
    whole = "group by month having count(*) > 500"  # without the last hours of August 2024
    months = sample.execute(f"select avg((purchases > 0)::int) from visits {whole}").fetchall()
    assert len(months) == 26
    assert all(0.01 <= rate <= 0.04 for (rate,) in months)
    assert 0.6 <= one(sample, "select avg((purchases = 0)::int) from visits where adds > 0") <= 0.8
    assert 0.45 <= one(sample, "select avg((pages < 2)::int) from visits") <= 0.65


def test_planted_rows_are_those_left_out(sample_release):
    """Per table of the published sample: rejected (waiting ones with them) and superseded rows are the planted ones."""
    with duckdb.connect(str(sample_release.published), read_only=True) as release:
        counted = release.execute(
            """select table_name, sum(rows_rejected)::int, sum(rows_superseded)::int from marts.load_audit
            group by table_name having sum(rows_rejected + rows_superseded) > 0"""
        ).fetchall()
        listed = release.execute("select table_name, count(*) from marts.rejected_rows group by table_name").fetchall()
    planted = {
        name: (rows["rejected"] + rows["waiting"], rows["superseded"]) for name, rows in TRUTH["planted_rows"].items()
    }
    assert {name: (rejected, superseded) for name, rejected, superseded in counted} == planted
    assert dict(listed) == {name: rejected for name, (rejected, _) in planted.items() if rejected}
    assert 10 <= sum(rejected for rejected, _ in planted.values()) <= 25
    assert all(sum(rows) < 0.01 * TRUTH["rows"][name] for name, rows in planted.items())


# What KPIs must cope with: each query counts it.
SITUATIONS = {
    "test orders": "from orders where is_test",
    "unpaid orders": "from orders where paid_at is null",
    "orders without a country of their own": "from orders where country is null",
    "orders of several sellers": """from (select order_id from order_lines
        group by 1 having count(distinct seller_id) > 1)""",
    "orders on another day in UTC than in Paris": """from orders
        where cast(ordered_at as date) <> cast(timezone('Europe/Paris', timezone('UTC', ordered_at)) as date)""",
    "cancelled before acceptance": "from live_lines where cancelled_at is not null and accepted_at is null",
    "cancelled before shipment": """from live_lines
        where accepted_at is not null and cancelled_at < coalesce(shipped_at, '2100-01-01')""",
    "cancelled after shipment": "from live_lines where cancelled_at > shipped_at",
    "never answered by the seller": """from live_lines
        where accepted_at is null and refused_at is null and cancelled_at is null and paid_at < '2026-10-01'""",
    "delivered without a shipment scan": "from live_lines where delivered_at is not null and shipped_at is null",
    "late parcels": "from live_lines where delivered_at > promised_delivery_at",
    "lost parcels": "from live_lines where shipped_at < '2026-09-01' and delivered_at is null and cancelled_at is null",
    "lines without an offer": "from order_lines where offer_id is null",
    "several attempts to pay": "from (select order_id from payments group by 1 having count(*) > 1)",
    "two successful payments": """from (select order_id from payments
        where status = 'succeeded' group by 1 having count(*) > 1)""",
    "returns beyond 30 days": """from returns join order_lines using (order_line_id)
        where requested_at > delivered_at + interval 31 day""",
    "two returns of a line": "from (select order_line_id from returns group by 1 having count(*) > 1)",
    "refunds above the line value": """from refunds join order_lines using (order_line_id)
        where amount > quantity * unit_price - coalesce(seller_discount, 0)""",
    "undecided claims": "from claims where decided_at is null",
    "withdrawn reviews": "from reviews where withdrawn_at is not null",
    "seller reviews without a seller": "from reviews where subject = 'seller' and seller_id is null",
    "shipped during a vacation": """from order_lines join seller_status_events as e using (seller_id)
        where e.status = 'vacation_started' and ship_by_at between occurred_at and occurred_at + interval 5 day""",
    "sellers sharing a bank account": "from (select bank_account from sellers group by 1 having count(*) > 1)",
    "sellers that were never validated": "from sellers where validated_at is null",
    "planned delistings": "from offers where delisted_at > '2026-11-01'",
    "customers without consent": "from customers where not consent_analytics",
    "customers without an order": "from customers anti join orders using (customer_id)",
    "bots": "from events where is_bot",
    "events without a session": "from events where session_id is null",
    "session numbers shared by visitors": """from (select session_id from events where session_id is not null
        group by 1 having count(distinct visitor_id) > 1)""",
    "visitors of two customers": """from (select visitor_id from events
        group by 1 having count(distinct customer_id) > 1)""",
    "sessions over midnight": """from (select 1 from events where session_id is not null group by visitor_id, session_id
        having count(distinct cast(timezone('Europe/Paris', timezone('UTC', occurred_at)) as date)) > 1)""",
    "carts without a number": "from events where event_name = 'add_to_cart' and cart_id is null",
    "carts bought in a later session": """from events as a join events as p using (visitor_id, cart_id)
        where a.event_name = 'add_to_cart' and p.event_name = 'purchase' and a.session_id <> p.session_id""",
    "purchases without a cart": "from events where event_name = 'purchase' and cart_id is null",
    "searches without a result": "from events where event_name = 'search' and search_results = 0",
    "features used before their release": "from events join features using (feature) where occurred_at < released_at",
    "spam": "from support_tickets where is_spam",
    "reopened tickets": "from support_tickets where reopened_at is not null",
    "tickets without an answer": "from support_tickets where first_response_at is null and not is_spam",
    "orders answered hot and cold": """from survey_invitations as h join survey_invitations as c using (order_id)
        where h.survey = 'csat' and c.survey = 'csat' and h.wave = 'hot' and c.wave = 'cold'
        and h.score is not null and c.score is not null""",
    "answers to undelivered invitations": "from survey_invitations where not is_delivered and answered_at is not null",
    "people who are leads twice": "from (select person_key from leads group by 1 having count(*) > 1)",
}  # fmt: skip


@pytest.mark.parametrize("situation", SITUATIONS)
def test_sample_holds(sample, situation):
    assert one(sample, f"select count(*) {SITUATIONS[situation]}") >= 5
