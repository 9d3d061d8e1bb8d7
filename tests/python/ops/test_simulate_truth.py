"""What the simulator planted is found in the committed sample, and the sample holds every situation KPIs depend on."""

import json
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from ops.simulate.contract import TABLES
from python_checks.recompute.catalogue import KPIS

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


def wilson(bad: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a rate."""
    z, rate = 1.959963984540054, bad / of
    middle, width = rate + z * z / (2 * of), z * (rate * (1 - rate) / of + z * z / (4 * of * of)) ** 0.5
    return (middle - width) / (1 + z * z / of), (middle + width) / (1 + z * z / of)


def story(name: str) -> dict:
    return next(told for told in TRUTH["seller_stories"] if told["story"] == name)


@pytest.mark.parametrize("kind", ["spike", "outage", "incident"])
def test_anomalous_days_stand_out(sample, kind):
    day = next(date.fromisoformat(d["date"]) for d in TRUTH["anomalous_days"] if d["kind"] == kind)
    orders = daily_orders(sample)
    usual = [orders[day + timedelta(days=n)] for n in range(-14, 15) if n]
    if kind == "spike":
        assert orders[day] > 1.5 * max(usual)
    else:
        assert day.weekday() == 0
        assert orders.get(day, 0) == 0


def test_the_operator_explains_some_odd_days(sample):
    """The incident and the sale stand in the delivered calendar, for every country; spike and outage nowhere."""
    told = {
        (date.fromisoformat(day["date"]), code, day["explained_by"])
        for day in TRUTH["anomalous_days"]
        if day["explained_by"]
        for code in TRUTH["countries"]
    }
    kinds = sample.execute(
        "select event_date, country, name from calendar_events where kind in ('incident', 'sales_season')"
    ).fetchall()
    assert set(kinds) == told
    assert {name for _, _, name in told} == {"Anniversary sale", "Site down"}
    unexplained = [day["date"] for day in TRUTH["anomalous_days"] if not day["explained_by"]]
    assert len(unexplained) == 2
    named = f"from calendar_events where event_date in {tuple(unexplained)} and kind <> 'school_holiday'"
    assert not one(sample, f"select count(*) {named}")


def test_pages_get_slower(sample):
    (trend,) = TRUTH["trends"]
    weeks = [
        value
        for (value,) in sample.execute(
            """select quantile_disc(load_ms, 0.75) from events
            where event_name = 'page_view' and not coalesce(is_bot, false)
                and occurred_at >= cast(? as date) - interval 98 day and occurred_at < cast(? as date) + interval 1 day
            group by date_diff('day', cast(? as date), cast(occurred_at as date)) // 7 order by min(occurred_at)""",
            [trend["from"], trend["to"], trend["from"]],
        ).fetchall()
    ]
    assert len(weeks) == 28
    assert weeks[-1] / weeks[13] == pytest.approx(trend["factor"], rel=0.1)
    assert max(weeks[:14]) / min(weeks[:14]) < 1.15


def test_sessions_follow_the_budget(sample):
    """Changes from week to week, of the last half year: the rank correlation is largest at the planted lag."""
    (pair,) = TRUTH["lagged_pairs"]
    assert (pair["first_kpi_id"], pair["second_kpi_id"]) == ("ad_spend", "sessions")
    sample.execute(
        f"""create or replace temp table moves as
        with spend as (select spend_date as day, sum(cost * coalesce(rate_to_eur, 1)) as spend
            from ad_spend left join exchange_rates on rate_date = spend_date
                and ad_spend.currency = exchange_rates.currency group by 1),
        starts as (
            select cast(timezone('{TRUTH["business_timezone"]}', timezone('UTC', min(occurred_at))) as date) as day
            from events where session_id is not null and not coalesce(is_bot, false) group by visitor_id, session_id),
        visits as (select day, count(*) as sessions from starts group by day)
        select a.day, a.spend - b.spend as spend, coalesce(v.sessions, 0) - w.sessions as sessions
        from spend as a join spend as b on a.day - 7 = b.day join visits as w on w.day = a.day - 7
            left join visits as v on v.day = a.day
        where a.day > cast('{TRUTH["last_day"]}' as date) - 182"""
    )
    found = {
        lag: one(
            sample,
            f"""select corr(x, y) from (
                select rank() over (order by a.spend) as x, rank() over (order by b.sessions) as y
            from moves as a join moves as b on b.day = a.day + {lag})""",
        )
        for lag in range(-7, 8)
    }
    assert max(found, key=lambda lag: abs(found[lag])) == pair["lag_days"]
    assert found[pair["lag_days"]] > 0.4


LATE = """select count(*), count(*) filter (is_late) from (
    select order_id, max(ship_by_at) as due, bool_or(shipped_at is null or shipped_at > ship_by_at) as is_late
    from live_lines where seller_id = $seller and accepted_at is not null and cancelled_at is null
        and ordered_at >= $since group by order_id)
    where due > cast($last as date) - interval 29 day and due < cast($last as date) + interval 1 day"""


@pytest.mark.parametrize(
    ("name", "step"),
    [("late_unwarned", "warn"), ("late_after_a_warning", "warn_again"), ("late_after_two_warnings", "suspend")],
)
def test_late_sellers_are_certainly_beyond_the_limit(sample, name, step):
    """Of twenty orders or more of the last 30 days, all placed after the last step, far more than a tenth is late."""
    told = story(name)
    since = max((event["date"] for event in told["events"] if event["status"] == "warned"), default="2000-01-01")
    due, late = sample.execute(
        LATE, {"seller": told["seller_id"], "since": f"{since} 23:59:59", "last": TRUTH["last_day"]}
    ).fetchone()
    assert due >= 20
    assert wilson(late, due)[0] > 0.10
    assert told["proposed_step"] == step
    assert not since > str(date.fromisoformat(TRUTH["last_day"]) - timedelta(days=44))


def test_the_seller_near_a_limit_is_not_certainly_beyond_it(sample):
    told = story("near_a_limit")
    due, late = sample.execute(
        LATE, {"seller": told["seller_id"], "since": "2000-01-01", "last": TRUTH["last_day"]}
    ).fetchone()
    assert due >= 20
    assert late / due > 0.04
    assert wilson(late, due)[0] < 0.10


def test_stories_are_told_in_the_account_events(sample):
    """Each step as planted, nothing else but how the account began, and no vacation; on the default policy."""
    for told in TRUTH["seller_stories"]:
        events = sample.execute(
            """select status, cast(occurred_at as date) from seller_status_events
            where seller_id = ? and status not in ('applied', 'validated') order by occurred_at""",
            [told["seller_id"]],
        ).fetchall()
        assert [(status, str(day)) for status, day in events] == [
            (event["status"], event["date"]) for event in sorted(told["events"], key=lambda event: event["date"])
        ]
        assert one(sample, "select policy from sellers where seller_id = ?", [told["seller_id"]]) is None
    for name in ("suspended_with_a_plan", "suspended_without_a_plan"):
        told = story(name)
        suspended = next(event["date"] for event in told["events"] if event["status"] == "suspended")
        assert not one(
            sample,
            "select count(*) from live_lines where seller_id = ? and ordered_at > ?",
            [told["seller_id"], f"{suspended} 12:00:00"],
        )
    assert {told["proposed_step"] for told in TRUTH["seller_stories"]} >= {
        "warn", "warn_again", "suspend", "wait", "reinstate",
    }  # fmt: skip


def test_one_comes_back_under_another_name(sample):
    told = story("back_under_another_name")
    same = sample.execute(
        "select legal_id from sellers where seller_id in (?, ?)", [told["seller_id"], told["shares_identity_with"]]
    ).fetchall()
    assert len(same) == 2
    assert same[0] == same[1]
    assert told["shares_identity_with"] == story("suspended_without_a_plan")["seller_id"]


def test_six_sellers_fill_a_category(sample):
    """In the last month each has the orders it takes, and sold more in the category than in any other in a year."""
    planted = TRUTH["category_of_six"]
    sellers = tuple(planted["sellers"])
    assert len(sellers) == 6
    month = TRUTH["last_day"][:7]
    orders = dict(
        sample.execute(
            f"""select seller_id, count(distinct order_id) from live_lines
            where seller_id in {sellers} and strftime(ordered_at, '%Y-%m') = '{month}' group by 1"""
        ).fetchall()
    )
    assert len(orders) == 6
    assert min(orders.values()) >= planted["seller_orders_a_month"]
    main = sample.execute(
        f"""select seller_id, arg_max(category, value) from (
            select seller_id, category, sum(quantity * unit_price - coalesce(seller_discount, 0)) as value
            from live_lines join products using (product_id)
            where seller_id in {sellers} and ordered_at >= cast('{month}-01' as date) - interval 11 month group by all)
        group by 1"""
    ).fetchall()
    assert {category for _, category in main} == {planted["category"]}


def test_targets_of_fifteen_kpis_are_re_set_once(sample):
    rows = sample.execute(
        """select kpi_id, period_grain, dimension, dimension_value, count(*), min(valid_from), max(valid_from),
            count(*) filter (reason is not null and set_by is not null)
        from kpi_targets group by all"""
    ).fetchall()
    assert len({row[0] for row in rows}) == 15
    assert {row[0] for row in rows} <= set(KPIS)
    assert sorted({row[0] for row in rows}) == TRUTH["targets"]["kpis"]
    assert all(row[4] == row[7] == 2 and row[5] < row[6] for row in rows)
    assert {str(row[6]) for row in rows} == {TRUTH["targets"]["re_set_on"]}
    assert not one(
        sample,
        """select count(*) from kpi_targets where case
            when target is null then not (target_low < target_high and coalesce(warn, 0) between 0 and alert)
            else (target - warn) * (warn - alert) < 0 end""",
    )


def test_actions_are_of_every_sort(sample):
    """Over and measurable, on a KPI that does not add up, on a segment, and one too early to judge."""
    columns = "kpi_id, dimension, starts_on, ends_on"
    actions = sample.execute(f"select {columns} from action_log order by action_id").fetchall()
    assert [(kpi, dimension) for kpi, dimension, _, _ in actions] == [
        ("orders", None), ("late_shipment_rate", "all"), ("sessions", "country"), ("orders", "all"),
    ]  # fmt: skip
    lift = TRUTH["campaign_lift"]
    assert tuple(map(str, actions[0][2:])) == (lift["first_day"], lift["last_day"])
    assert str(actions[3][3]) > TRUTH["last_day"]


def test_some_sellers_are_under_the_own_policy(sample):
    assert one(sample, "select count(*) from sellers where policy = 'strict' and validated_at is not null") >= 3
    assert one(sample, "select count(distinct kpi_id) from seller_policies where policy = 'strict'") == 5


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
    "comments with an address or a number": "from reviews where regexp_matches(comment, '@|[0-9]{6}')",
    "warned twice": """from (select seller_id from seller_status_events
        where status = 'warned' group by 1 having count(*) > 1)""",
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
