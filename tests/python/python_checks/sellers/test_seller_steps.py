"""The ladder of warnings, and what account events tell, worked by hand. As_of is 30 June 2024."""

import datetime as dt
from fractions import Fraction

import pytest
from recompute_market import market, orders

from python_checks.sellers.evaluation import Evaluator, Rule, evaluation_days
from python_checks.sellers.steps import Story, events_table, next_step, steps_table, story_of

AS_OF = dt.date(2024, 6, 30)
LINES = "order_line_id,order_id,seller_id,product_id,quantity,unit_price"


def day(text):
    return dt.date.fromisoformat(f"2024-{text}")


def told(*events):
    """The story of events, each `status day`."""
    return story_of([(status, day(when)) for status, when in (event.split() for event in events)])


def card(kpi_id="claim_rate", status="limit", value=0.2, limit=0.1, certain=False, projected=False):
    return {"kpi_id": kpi_id, "policy": "default", "status": status, "value": value, "limit_value": limit,
            "is_certain": certain, "projected_breach": projected}


CERTAIN = [card(certain=True)]


@pytest.mark.parametrize(("events", "state", "step", "step_on", "warned", "suspended"), [
    ([], None, None, None, 0, False),
    (["applied 01-01", "validated 01-02", "vacation_started 02-01"], "validated", None, None, 0, False),
    (["warned 03-01", "action_plan 03-05"], "action_plan", "warned", "03-01", 1, False),
    # a reinstatement without a suspension before it is no step and forgives nothing
    (["warned 03-01", "closed 03-02", "reinstated 03-03"], "reinstated", "warned", "03-01", 1, False),
    (["warned 03-01", "suspended 03-10", "reinstated 04-01"], "reinstated", "reinstated", "04-01", 0, False),
    (["suspended 03-10", "reinstated 04-01", "warned 05-01", "reinstated 05-02"], "reinstated", "warned", "05-01", 1,
     False),
    (["warned 03-01", "warned 04-01", "suspended 05-01", "closed 06-01"], "closed", "suspended", "05-01", 2, True),
])
def test_stories(events, state, step, step_on, warned, suspended):
    story = told(*events)
    assert (story.state, story.last_step, len(story.warned_on), story.is_suspended) == (state, step, warned, suspended)
    assert story.last_step_on == (step_on and day(step_on))


@pytest.mark.parametrize(("events", "rows", "away", "warnings", "step", "earliest_on", "kpi_id"), [
    (["suspended 06-01"], CERTAIN, False, 0, "wait", None, None),
    (["action_plan 05-01", "suspended 06-01"], [], False, 0, "wait", None, None),
    (["suspended 06-01", "action_plan 06-05"], CERTAIN, True, 0, "reinstate", "06-30", None),
    ([], CERTAIN, True, 0, "wait", None, "claim_rate"),
    ([], CERTAIN, False, 0, "warn", "06-30", "claim_rate"),
    # no warning after the reinstatement: a first one comes at once
    (["suspended 06-01", "reinstated 06-20"], CERTAIN, False, 0, "warn", "06-30", "claim_rate"),
    (["warned 06-17"], CERTAIN, False, 1, "wait", "07-01", "claim_rate"),
    (["warned 06-16"], CERTAIN, False, 1, "warn_again", "06-30", "claim_rate"),
    (["warned 05-01", "warned 06-01"], CERTAIN, False, 2, "suspend", "07-30", "claim_rate"),
    (["warned 05-01"], [card()], False, 1, "inform", None, "claim_rate"),
    ([], [card(status="ok", value=0.05, projected=True)], True, 0, "inform", None, "claim_rate"),
    ([], [card(status="insufficient_data"), card("avg_rating", "ok")], False, 0, "none", None, None),
])
def test_the_first_step_of_the_ladder_that_applies(events, rows, away, warnings, step, earliest_on, kpi_id):
    proposed = next_step(told(*events), rows, away, warnings, AS_OF)
    assert (proposed.step, proposed.earliest_on) == (step, earliest_on and day(earliest_on))
    assert (proposed.row and proposed.row["kpi_id"]) == kpi_id


def test_the_kpi_furthest_from_its_limit_led_to_the_step():
    rows = [
        card("refund_rate", value=0.3, limit=0.1, certain=True), card("claim_rate", value=0.3, limit=0.1, certain=True),
        card("avg_rating", value=1.0, limit=3.0, certain=True),
        card("acceptance_rate", value=0.0, limit=0.0001, certain=False),
        card("return_rate", value=0.0, limit=0.0, certain=True)]
    assert next_step(Story(), rows, False, 0, AS_OF).row["kpi_id"] == "claim_rate"  # twice its limit, as is refund_rate
    # the one that is not certain led to nothing, though it is further away
    rows[1]["value"] = rows[0]["value"] = 0.1
    assert next_step(Story(), rows, False, 0, AS_OF).row["kpi_id"] == "avg_rating"


RULES = [Rule("default", "cancellation_rate", "<=", None, Fraction("0.1"), 30, 3)]


def refused(*days):
    """Tables of paid orders of these days of s1, all refused the day after."""
    return {
        "orders": orders(*(f"o{n} c1 2024-{when}" for n, when in enumerate(days))),
        "order_lines": "\n".join([f"{LINES},refused_at", *(
            f"l{n},o{n},s1,p1,1,1.00,2024-{when}T20:00:00Z" for n, when in enumerate(days))])}


def steps(tmp_path, **tables):
    """The proposed steps by seller."""
    world = market(tmp_path, as_of="2024-06-30", **tables).world
    return {row["seller_id"]: row for row in steps_table(Evaluator(world, RULES)).to_dicts()}


def test_nobody_is_punished_twice_for_one_order(tmp_path):
    tables = refused("06-05", "06-06", "06-07", "06-12", "06-13")
    warn = steps(tmp_path, **tables)["s1"]
    assert (warn["proposed_step"], warn["warnings"], warn["state"]) == ("warn", 0, None)
    assert warn["evidence"] == "cancellation_rate 1 (5 of 5), limit <= 0.1, 2024-06-30"
    # the orders to the 10th are punished: two are left, fewer than the minimum
    events = "event_id,seller_id,occurred_at,status\ne1,s1,2024-06-10T08:00:00Z,warned"
    calm = steps(tmp_path, **tables, seller_status_events=events)["s1"]
    assert (calm["proposed_step"], calm["warnings"], calm["last_step_on"]) == ("none", 1, day("06-10"))
    # three after the 6th; the warning is 14 days old
    events = "event_id,seller_id,occurred_at,status\ne1,s1,2024-06-06T08:00:00Z,warned"
    again = steps(tmp_path, **tables, seller_status_events=events)["s1"]
    assert (again["proposed_step"], again["evidence"]) == (
        "warn_again", "cancellation_rate 1 (3 of 3), limit <= 0.1, 2024-06-30")
    assert again["reason"] == "beyond limit after one warning"


def test_warnings_are_remembered_for_365_days(tmp_path):
    events = """event_id,seller_id,occurred_at,status
        e1,s1,2023-07-01T21:59:00Z,warned
        e2,s1,2023-07-01T22:00:00Z,warned
        e3,s2,2023-06-30T22:00:00Z,warned"""
    found = steps(tmp_path, **refused("06-20"), seller_status_events=events)
    # as_of - 364 is 2 July 2023 of the leap year: e1 is of 1 July in Paris
    assert (found["s1"]["warnings"], found["s2"]["warnings"]) == (1, 0)


def test_closed_sellers_have_no_step_and_identities_are_told(tmp_path):
    found = steps(
        tmp_path, **refused("06-20"),
        sellers="""seller_id,legal_id,bank_account
            s1,L1,B1
            s2,L1,B2
            s3,L3,B2
            s4,L4,B3
            s5,L5,B3
            s6,,
            s7,,""",
        seller_status_events="""event_id,seller_id,occurred_at,status
            e1,s1,2024-05-01T10:00:00Z,suspended
            e2,s1,2024-05-02T10:00:00Z,closed
            e3,s4,2024-05-01T10:00:00Z,suspended
            e4,s4,2024-05-03T10:00:00Z,reinstated
            e5,s6,2024-05-01T10:00:00Z,suspended
            e6,s6,2024-05-02T10:00:00Z,action_plan""")
    assert "s1" not in found
    # s2 shares its legal id with the closed and suspended s1; s3 shares only with s2; s5 with one that was reinstated;
    # s6 and s7 share nothing but a gap
    assert {seller for seller, row in found.items() if row["identity_alert"]} == {"s2"}
    assert (found["s6"]["proposed_step"], found["s6"]["earliest_on"]) == ("reinstate", AS_OF)
    assert (found["s4"]["state"], found["s4"]["last_step_on"]) == ("reinstated", day("05-03"))


def test_account_events_carry_what_was_delivered_or_the_evaluation_before(tmp_path):
    world = market(
        tmp_path, as_of="2024-06-30", **refused("06-05", "06-06", "06-07"),
        seller_status_events="""event_id,seller_id,occurred_at,status,policy,reason,kpi_id,evidence
            e0,s1,2024-06-01T10:00:00Z,validated,,,,
            e1,s1,2024-06-09T10:00:00Z,warned,,late,cancellation_rate,
            e2,s1,2024-06-10T10:00:00Z,vacation_started,own,,cancellation_rate,
            e3,s1,2024-06-10T11:00:00Z,warned,,,cancellation_rate,as delivered
            e4,s2,2024-06-30T21:00:00Z,warned,,,cancellation_rate,
            e5,s2,2024-06-30T22:00:00Z,closed,,,,""").world
    found = Evaluator(world, RULES)
    days = evaluation_days(AS_OF)
    table = events_table(world, found.scorecard(days), days, RULES, found.policies)
    rows = {row["event_id"]: row for row in table.to_dicts()}
    assert sorted(rows) == ["e0", "e1", "e2", "e3", "e4"]  # e5 is of the day after as_of
    # the evaluation of the same day does not lie before it, that of the 2nd holds nothing
    assert [rows[e]["evidence"] for e in ("e0", "e1", "e2", "e3", "e4")] == [
        None, None, "cancellation_rate 1 (3 of 3), limit <= 0.1, 2024-06-09", "as delivered", None]
    assert [rows[e]["previous_status"] for e in ("e0", "e1", "e2", "e3", "e4")] == [
        None, "validated", "warned", "vacation_started", None]
    assert [rows[e]["days_since"] for e in ("e0", "e1", "e4")] == [29, 21, 0]
    assert (rows["e2"]["policy"], rows["e1"]["reason"]) == ("own", "late")
