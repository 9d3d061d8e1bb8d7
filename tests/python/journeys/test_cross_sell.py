"""`cross_sell_pairs` of the sample, against mlxtend and against sets of sellers."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations

import duckdb
import pandas as pd
import pytest
from mlxtend.frequent_patterns import association_rules, fpgrowth
from mlxtend.preprocessing import TransactionEncoder

from ops.project import Settings

LINES = """
    select orders.order_id, lines.product_family, lines.seller_id
    from marts.fct_orders as orders
    left join marts.fct_order_lines as lines using (order_id)
    where orders.is_paid and orders.ordered_on > (select max(as_of) - 365 from marts.release_info)
"""
FEWEST = 5


def test_pairs_are_those_of_mlxtend(sample_release: Settings) -> None:
    with duckdb.connect(str(sample_release.published), read_only=True) as release:
        lines = release.execute(LINES).fetchall()
        pairs = {(row[0], row[1]): row[2:] for row in release.execute(
            "select first_item, second_item, pair_orders, expected_orders, support, confidence, confidence_back, lift,"
            " cross_seller_share from marts.cross_sell_pairs"
        ).fetchall()}
    sellers: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for order, item, seller in lines:
        basket = sellers[order]
        if item is not None:
            basket[item].add(seller)
    baskets = [list(items) for items in sellers.values()]
    assert max(map(len, baskets)) <= 50  # none is left out in the sample

    encoder = TransactionEncoder().fit(baskets)
    table = pd.DataFrame(encoder.transform(baskets), columns=encoder.columns_)
    frequent = fpgrowth(table, min_support=(FEWEST - 0.5) / len(baskets), use_colnames=True, max_len=2)
    rules = association_rules(frequent, metric="support", min_threshold=0)
    expected = {}
    for rule in rules.itertuples():
        (first,), (second,) = rule.antecedents, rule.consequents
        expected[first, second] = rule
    found = {pair for pair in expected if pair[0] < pair[1]}
    assert found == set(pairs)
    assert len(found) > 50

    apart: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for basket in sellers.values():
        for pair in combinations(sorted(basket), 2):
            apart[pair].append(not basket[pair[0]] & basket[pair[1]])
    for (first, second), (orders, by_chance, support, confidence, back, lift, cross_seller_share) in pairs.items():
        rule = expected[first, second]
        assert orders == round(rule.support * len(baskets))
        assert by_chance == pytest.approx(orders / rule.lift, rel=1e-12)
        assert support == pytest.approx(rule.support, rel=1e-12)
        assert confidence == pytest.approx(rule.confidence, rel=1e-12)
        assert back == pytest.approx(expected[second, first].confidence, rel=1e-12)
        assert lift == pytest.approx(rule.lift, rel=1e-12)
        assert cross_seller_share == pytest.approx(sum(apart[first, second]) / len(apart[first, second]), rel=1e-12)
