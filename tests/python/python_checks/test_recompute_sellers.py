"""Seller orders, deliveries, claims, reviews, surveys and tickets, worked by hand on tiny marketplaces."""

from recompute_market import market, orders

LINES = "order_line_id,order_id,seller_id,product_id,quantity,unit_price"
MONTH = ("month", "2024-05-01")


def test_acceptance_leaves_out_what_the_buyer_cancelled_before_it(tmp_path):
    m = market(
        tmp_path,
        orders=orders(*(f"o{n} c1 2024-05-01" for n in range(1, 8))),
        order_lines=f"""{LINES},accepted_at,refused_at,cancelled_at,cancelled_by
            l1,o1,s1,p1,1,1.00,2024-05-01T14:00:00Z,,,
            l2,o1,s1,p2,1,1.00,,,2024-05-01T13:00:00Z,buyer
            l3,o2,s1,p1,1,1.00,,,2024-05-01T13:00:00Z,seller
            l4,o3,s1,p1,1,1.00,,,2024-05-01T13:00:00Z,buyer
            l5,o4,s1,p1,1,1.00,2024-05-01T13:00:00Z,,,
            l6,o4,s1,p3,1,1.00,,2024-05-01T13:00:00Z,,
            l7,o5,s1,p1,1,1.00,2024-05-01T18:00:00Z,,2024-05-02T13:00:00Z,buyer
            l8,o6,s1,p1,1,1.00,2024-05-01T13:00:00Z,,,
            l9,o6,s1,p2,1,1.00,,,,
            l10,o7,s1,p1,1,1.00,,,2024-05-01T13:00:00Z,platform""",
        as_of="2024-05-31")
    assert m.value("seller_orders", *MONTH) == 7
    # accepted o1 o5; refused o2 o4 o7; o3 dropped out; o6 waits
    assert m.terms("acceptance_rate", *MONTH) == (2, 5, 0.4)
    # of the books: accepted o1 o4 o5; refused o2 o7; of the toys: o4 refused
    assert m.terms("acceptance_rate", *MONTH, "category=books") == (3, 5, 0.6)
    assert m.terms("acceptance_rate", *MONTH, "category=toys") == (0, 1, 0)
    assert m.value("acceptance_time_median", *MONTH) == 4  # 2 and 6 hours
    # o2 cancelled by the seller, o4 refused; the platform's cancellation is not the seller's
    assert m.terms("seller_cancellation_rate", *MONTH) == (2, 7, 0.285714286)
    assert m.terms("cancellation_rate", *MONTH) == (6, 7, 0.857142857)


def test_a_seller_order_ships_when_its_last_line_does(tmp_path):
    m = market(
        tmp_path,
        orders=orders("o1 c1 2024-05-01", "o2 c1 2024-05-01", "o3 c1 2024-05-01", "o4 c1 2024-05-01"),
        order_lines=f"""{LINES},accepted_at,ship_by_at,shipped_at,delivered_at,cancelled_at,fulfilled_by
            l1,o1,s1,p1,1,1.00,2024-05-01T13:00:00Z,2024-05-03T12:00:00Z,2024-05-02T12:00:00Z,,,
            l2,o1,s1,p2,1,1.00,2024-05-01T13:00:00Z,2024-05-04T12:00:00Z,,2024-05-04T12:00:00Z,,seller
            l3,o2,s1,p1,1,1.00,2024-05-01T13:00:00Z,2024-05-03T12:00:00Z,2024-05-03T12:00:01Z,,,seller
            l4,o2,s1,p1,1,1.00,2024-05-01T13:00:00Z,2024-05-09T12:00:00Z,,,2024-05-02T12:00:00Z,seller
            l5,o3,s1,p1,1,1.00,2024-05-01T13:00:00Z,2024-05-03T12:00:00Z,2024-05-02T12:00:00Z,,,seller
            l6,o3,s1,p1,1,1.00,2024-05-01T13:00:00Z,2024-05-03T12:00:00Z,,,,platform
            l7,o4,s1,p1,1,1.00,2024-05-01T13:00:00Z,2024-06-03T12:00:00Z,,,,seller""",
        as_of="2024-05-31")
    assert m.terms("shipping_rate", *MONTH) == (2, 3, 0.666666667)  # o3 is half shipped, o4 has time
    assert m.value("processing_time_median", *MONTH) == 60.000138889  # o1 after 72 hours, o2 after 48 and a second
    assert m.row("processing_time_median", *MONTH)["sample_size"] == 2
    assert m.value("processing_time_p90", *MONTH) == 69.600027778
    # without the platform's line o3 is in time; o1 is due on the 4th and shipped in time; o2 is a second late
    assert m.terms("late_shipment_rate", *MONTH) == (1, 3, 0.333333333)
    assert m.terms("late_shipment_rate", "day", "2024-05-03") == (1, 2, 0.5)
    assert m.terms("platform_fulfilled_share", *MONTH) == (0, 4, 0)


def test_what_is_due_during_a_vacation_is_not_late(tmp_path):
    m = market(
        tmp_path,
        seller_status_events="""
            event_id,seller_id,occurred_at,status
            e1,s1,2024-05-03T00:00:00Z,vacation_started
            e2,s1,2024-05-05T00:00:00Z,vacation_ended
            e3,s2,2024-05-08T00:00:00Z,vacation_started""",
        orders=orders(*(f"o{n} c1 2024-05-01" for n in range(1, 6))),
        order_lines=f"""{LINES},ship_by_at,shipped_at
            l1,o1,s1,p1,1,1.00,2024-05-02T12:00:00Z,2024-05-09T12:00:00Z
            l2,o2,s1,p1,1,1.00,2024-05-04T12:00:00Z,2024-05-09T12:00:00Z
            l3,o3,s1,p1,1,1.00,2024-05-06T12:00:00Z,2024-05-06T12:00:00Z
            l4,o4,s2,p1,1,1.00,2024-05-04T12:00:00Z,
            l5,o5,s2,p1,1,1.00,2024-05-09T12:00:00Z,""",
        as_of="2024-05-31")
    assert m.terms("late_shipment_rate", *MONTH) == (2, 3, 0.666666667)  # o1 and o4 late, o3 in time
    assert m.terms("late_shipment_rate", *MONTH, "seller=s1") == (1, 2, 0.5)
    assert m.row("late_shipment_rate", "day", "2024-05-04")["denominator"] == 1


def test_delivery_is_held_against_the_promised_day(tmp_path):
    m = market(
        tmp_path,
        orders=orders("o1 c1 2024-05-01"),
        order_lines=f"""{LINES},promised_delivery_at,delivered_at,cancelled_at,tracking_valid
            l1,o1,s1,p1,1,1.00,2024-05-04T06:00:00Z,2024-05-04T20:00:00Z,,true
            l2,o1,s1,p1,1,1.00,2024-05-04T06:00:00Z,2024-05-05T06:00:00Z,,false
            l3,o1,s1,p1,1,1.00,2024-05-10T06:00:00Z,,,
            l4,o1,s1,p1,1,1.00,2024-05-11T06:00:00Z,,,
            l5,o1,s1,p1,1,1.00,2024-05-04T06:00:00Z,,2024-05-02T06:00:00Z,true""",
        as_of="2024-05-10")
    assert m.terms("on_time_delivery_rate", *MONTH) == (1, 3, 0.333333333)
    assert m.terms("valid_tracking_rate", *MONTH) == (1, 2, 0.5)


def test_returns_refunds_and_claims_count_each_line_once(tmp_path):
    m = market(
        tmp_path,
        orders=orders("o1 c1 2024-05-01"),
        order_lines=f"""{LINES},accepted_at,delivered_at
            l1,o1,s1,p1,2,10.00,2024-05-01T12:00:00Z,2024-05-04T12:00:00Z
            l2,o1,s1,p1,3,10.00,2024-05-01T12:00:00Z,2024-05-04T12:00:00Z
            l3,o1,s2,p1,5,10.00,2024-05-01T12:00:00Z,""",
        returns="""
            return_id,order_line_id,requested_at,quantity
            t1,l1,2024-05-05T12:00:00Z,2
            t2,l1,2024-05-06T12:00:00Z,2
            t3,l2,2024-06-03T12:00:00Z,1
            t4,l2,2024-06-04T12:00:00Z,1""",
        refunds="""
            refund_id,order_line_id,refunded_at,amount,currency,reason
            r1,l1,2024-05-06T12:00:00Z,1.00,EUR,return
            r2,l1,2024-05-07T12:00:00Z,1.00,EUR,
            r3,l2,2024-05-07T12:00:00Z,1.00,EUR,cancellation
            r4,l3,2024-05-07T12:00:00Z,1.00,EUR,""",
        claims="""
            claim_id,order_line_id,opened_at,kind,decided_at,decision
            x1,l1,2024-05-06T12:00:00Z,a_to_z,2024-05-08T12:00:00Z,buyer
            x2,l1,2024-05-06T12:00:00Z,incident,,
            x3,l2,2024-05-06T12:00:00Z,chargeback,2024-05-09T12:00:00Z,withdrawn
            x4,l3,2024-05-06T12:00:00Z,chargeback,2024-05-09T12:00:00Z,seller""",
        reviews="""
            review_id,order_id,seller_id,subject,rating,created_at,withdrawn_at
            v1,o1,s1,seller,1,2024-05-06T12:00:00Z,
            v2,o1,s2,seller,2,2024-05-06T12:00:00Z,2024-05-07T12:00:00Z
            v3,o1,s2,product,2,2024-05-06T12:00:00Z,
            v4,o1,,seller,1,2024-05-06T12:00:00Z,""",
        as_of="2024-06-30")
    assert m.terms("return_rate", *MONTH) == (3, 5, 0.6)  # l1 at most its 2; of l2 the one asked for within 30 days
    assert m.terms("refund_rate", *MONTH) == (2, 3, 0.666666667)
    assert m.terms("claim_rate", *MONTH) == (2, 3, 0.666666667)
    assert m.terms("dispute_buyer_win_rate", *MONTH) == (1, 2, 0.5)
    assert m.terms("dispute_buyer_win_rate", *MONTH, "seller=s2") == (0, 1, 0)
    assert m.terms("order_defect_rate", *MONTH) == (1, 2, 0.5)  # s1 has a bad review and a lost claim, once
    assert m.terms("negative_feedback_rate", *MONTH) == (1, 2, 0.5)
    assert m.terms("avg_rating", *MONTH) == (4, 3, 1.333333333)
    assert m.terms("avg_rating", *MONTH, "seller=unknown") == (1, 1, 1)  # an order of two sellers has no only one
    assert m.terms("review_rate", *MONTH) == (1, 1, 1)


def test_surveys_count_answers_and_compare_waves(tmp_path):
    invitations = """
        invitation_id,survey,wave,respondent,customer_id,order_id,sent_at,is_delivered,answered_at,score
        i1,nps,hot,buyer,c1,,2024-05-01T12:00:00Z,,2024-05-02T12:00:00Z,9
        i2,nps,hot,buyer,c1,,2024-05-01T12:00:00Z,,2024-05-02T12:00:00Z,7
        i3,nps,hot,buyer,c3,,2024-05-01T12:00:00Z,,2024-05-02T12:00:00Z,6
        i4,nps,hot,buyer,c3,,2024-05-01T12:00:00Z,,2024-05-02T12:00:00Z,0
        i5,nps,hot,seller,,,2024-05-01T12:00:00Z,,2024-05-02T12:00:00Z,10
        i6,csat,hot,buyer,c1,o1,2024-05-01T12:00:00Z,false,2024-05-02T12:00:00Z,5
        i7,csat,hot,buyer,c1,o1,2024-05-01T12:00:00Z,true,2024-05-03T12:00:00Z,1
        i8,csat,cold,buyer,c1,o1,2024-05-20T12:00:00Z,true,2024-06-02T12:00:00Z,3
        i9,csat,cold,buyer,c1,o2,2024-05-20T12:00:00Z,true,2024-06-02T12:00:00Z,4
        i10,csat,cold,buyer,c1,o2,2024-05-20T12:00:00Z,false,,"""
    m = market(tmp_path, orders=orders("o1 c1 2024-05-01", "o2 c1 2024-05-01"), survey_invitations=invitations,
               as_of="2024-06-30")
    assert m.terms("nps", *MONTH) == (-100, 4, -25)
    assert m.terms("nps", *MONTH, "country=FR") == (100, 2, 50)
    assert m.terms("seller_nps", *MONTH) == (100, 1, 100)
    assert m.terms("csat_hot", *MONTH) == (1, 2, 0.5)
    assert m.terms("csat", "quarter", "2024-04-01") == (2, 4, 0.5)
    assert m.terms("satisfaction_decay", "month", "2024-06-01") == (-1, 1, -1)  # first hot answer 5, cold 3
    assert m.terms("survey_response_rate", *MONTH, "survey=csat") == (4, 4, 1)  # i6 was answered, i10 never arrived


def test_tickets_need_a_day_to_be_answered(tmp_path):
    tickets = """
        ticket_id,opened_at,requester,handled_by,seller_id,topic,first_response_at,resolved_at,reopened_at,is_spam,needs_response
        k1,2024-05-01T10:00:00Z,buyer,operator,,refund,2024-05-01T12:00:00Z,2024-05-02T10:00:00Z,,,
        k2,2024-05-01T10:00:00Z,buyer,operator,,refund,2024-05-02T10:00:01Z,2024-05-02T10:00:00Z,2024-05-03T10:00:00Z,,
        k3,2024-05-01T10:00:00Z,buyer,operator,,,2024-05-01T09:00:00Z,,,false,
        k4,2024-05-01T10:00:00Z,buyer,operator,,,2024-05-01T10:00:00Z,,,true,
        k5,2024-05-04T22:00:00Z,buyer,operator,,refund,,,,,
        k6,2024-05-04T21:59:00Z,buyer,operator,,refund,,,,,
        k7,2024-05-01T10:00:00Z,buyer,seller,s1,,2024-05-02T10:00:00Z,,,,
        k8,2024-05-01T10:00:00Z,buyer,seller,s1,,,,,,false"""
    m = market(tmp_path, orders=orders("o1 c1 2024-05-01"), support_tickets=tickets, as_of="2024-05-05")
    assert m.value("first_response_time_median", "day", "2024-05-01") == 2  # 2 hours, 24 and a second, and 0 for k3
    assert m.row("first_response_time_median", "day", "2024-05-01")["sample_size"] == 3
    assert m.value("first_response_time_p90", "day", "2024-05-01", "topic=refund") == 21.80025
    # 5 May ends at 22:00 UTC: k6 has had its 24 hours, k5 just as well
    assert m.terms("response_sla_24h_rate", *MONTH) == (2, 5, 0.4)
    assert m.terms("resolution_rate", *MONTH) == (1, 5, 0.2)
    assert m.value("resolution_time_median", *MONTH) == 24
    assert m.terms("seller_response_sla_24h_rate", *MONTH, "seller=s1") == (1, 1, 1)
    assert m.value("seller_response_time_median", *MONTH, "seller=s1") == 24
