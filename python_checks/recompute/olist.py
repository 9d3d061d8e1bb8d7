"""The ten files of the public Olist data set, mapped to the tables of the input contract.

Everything is mapped to text in the contract's written form and judged like any other extract; what Olist does not
publish is absent. Its times are local times of Sao Paulo without an offset.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from python_checks.recompute.extracts import Extracts
from python_checks.recompute.files import ExtractError, delivered_files
from python_checks.recompute.pieces import Piece, Refused, header_of, pieces_of

TIMEZONE = "America/Sao_Paulo"
CURRENCY = "BRL"
FILES = {
    "orders": "olist_orders_dataset",
    "items": "olist_order_items_dataset",
    "payments": "olist_order_payments_dataset",
    "reviews": "olist_order_reviews_dataset",
    "customers": "olist_customers_dataset",
    "products": "olist_products_dataset",
    "sellers": "olist_sellers_dataset",
    "translation": "product_category_name_translation",
    "leads": "olist_marketing_qualified_leads_dataset",
    "deals": "olist_closed_deals_dataset",
}


def read_olist(folder: Path | str, progress: Callable[[str], None] = lambda message: None) -> OlistExtracts:
    """The Olist files of a folder as contract tables. Raises ExtractError when a file is missing."""
    folder = Path(folder)
    raw, counts, files = {}, [], {}
    for name, stem in FILES.items():
        found = delivered_files(folder, stem)
        if not found:
            raise ExtractError(f"{folder}: no file {stem}.csv")
        parts, rows = [], 0
        for file in found:
            progress(f"reading {file.name}")
            try:
                pieces = list(pieces_of(file.path, header_of(file.path)))
            except Refused as refusal:
                raise ExtractError(f"{file.path}: {refusal}") from None
            parts += [piece.rows.with_columns(pl.exclude("_row").replace("", None)) for piece in pieces]
            rows = sum(len(piece.rows) + len(piece.bad) for piece in pieces)
            counts.append((stem, file.name, rows))
            files[name] = file
        raw[name] = pl.concat(parts, how="diagonal")
    tables = map_tables(raw)
    delivered = {name: [files["items" if name == "order_lines" else name]] for name in tables}
    return OlistExtracts(
        delivered, lambda file, table: iter([Piece(_numbered(tables[table.name]), [])]),
        counted=pl.DataFrame(counts, schema=["table_name", "file_name", "rows_read"], orient="row"))


class OlistExtracts(Extracts):
    """The mapped tables; `files` counts the records of the delivered files (table_name, file_name, rows_read)."""

    def __init__(self, *mapped: object, counted: pl.DataFrame) -> None:
        super().__init__(*mapped)
        self._counted = counted

    @property
    def files(self) -> pl.DataFrame:
        """What was read, by file."""
        return self._counted


def _numbered(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(_row=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))


def utc(local: str) -> pl.Expr:
    """A local time as written in the files (or a date: its midnight) in UTC, as the contract writes it.

    A time the clock skipped is read with the offset before the change, one it showed twice as the later of the two.
    """
    text = pl.concat_str(pl.col(local).str.slice(0, 10), pl.col(local).str.slice(10, 9).replace("", " 00:00:00"))
    naive = text.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us")
    place = {"time_zone": TIMEZONE, "ambiguous": "latest", "non_existent": "null"}
    moment = pl.coalesce(
        naive.dt.replace_time_zone(**place), naive.dt.offset_by("1h").dt.replace_time_zone(**place)
    ).dt.convert_time_zone("UTC")
    return moment.dt.strftime("%Y-%m-%dT%H:%M:%SZ")


def map_tables(raw: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The contract's tables, all text, from the records of the ten files (by the short names of FILES)."""
    country = pl.lit("BR").alias("country")
    currency = pl.lit(CURRENCY).alias("currency")
    orders = raw["orders"].join(raw["customers"], on="customer_id", how="left", maintain_order="left")
    purchased, approved = utc("order_purchase_timestamp"), utc("order_approved_at")

    customers = (
        orders.sort("order_id").sort("order_purchase_timestamp", descending=True, maintain_order=True)
        .group_by("customer_unique_id", maintain_order=True)
        .agg(pl.first("customer_city", "customer_state"))
        .select(
            pl.col("customer_unique_id").alias("customer_id"),
            country,
            pl.col("customer_state").alias("region"),
            pl.col("customer_city").alias("city"),
        )
    )

    sellers = raw["sellers"].select("seller_id", country, pl.col("seller_state").alias("region"))

    products = (
        raw["products"]
        .join(raw["translation"], on="product_category_name", how="left")
        .select("product_id", pl.coalesce("product_category_name_english", "product_category_name").alias("category"))
    )

    mapped_orders = orders.select(
        "order_id",
        pl.col("customer_unique_id").alias("customer_id"),
        purchased.alias("ordered_at"),
        approved.alias("paid_at"),
        currency,
        pl.lit("web").alias("sales_channel"),
        country,
        pl.col("customer_state").alias("region"),
        pl.lit("false").alias("is_test"),
    )

    cancelled = pl.col("order_status").is_in(["canceled", "unavailable"])
    lines = raw["items"].join(raw["orders"], on="order_id", how="left").select(
        pl.concat_str("order_id", "order_item_id", separator="-").alias("order_line_id"),
        "order_id", "seller_id", "product_id",
        pl.lit("1").alias("quantity"),
        pl.col("price").alias("unit_price"),
        pl.col("freight_value").alias("shipping_amount"),
        utc("shipping_limit_date").alias("ship_by_at"),
        utc("order_delivered_carrier_date").alias("shipped_at"),
        utc("order_estimated_delivery_date").alias("promised_delivery_at"),
        utc("order_delivered_customer_date").alias("delivered_at"),
        pl.when(cancelled).then(pl.coalesce(approved, purchased)).alias("cancelled_at"),
        pl.when(pl.col("order_status") == "unavailable").then(pl.lit("seller")).alias("cancelled_by"),
    )

    payments = raw["payments"].join(raw["orders"], on="order_id", how="left").select(
        pl.concat_str("order_id", "payment_sequential", separator="-").alias("payment_id"),
        "order_id",
        pl.coalesce(approved, purchased).alias("attempted_at"),
        pl.when(approved.is_not_null()).then(pl.lit("succeeded")).otherwise(pl.lit("abandoned")).alias("status"),
        pl.col("payment_type").alias("method"),
        pl.col("payment_value").alias("amount"),
        currency,
    )

    only_sellers = raw["items"].group_by("order_id").agg(
        pl.when(pl.n_unique("seller_id") == 1).then(pl.first("seller_id")).alias("seller_id"))
    reviews = raw["reviews"].join(only_sellers, on="order_id", how="left").select(
        pl.concat_str("review_id", "order_id", separator="-").alias("review_id"),
        "order_id", "seller_id",
        pl.lit("seller").alias("subject"),
        pl.col("review_score").alias("rating"),
        pl.concat_str("review_comment_title", "review_comment_message", separator=" - ", ignore_nulls=True)
        .replace("", None).alias("comment"),
        utc("review_creation_date").alias("created_at"),
    )

    leads = raw["leads"].join(raw["deals"], on="mql_id", how="left").select(
        pl.col("mql_id").alias("lead_id"),
        utc("first_contact_date").alias("created_at"),
        pl.col("mql_id").alias("person_key"),
        pl.lit("sellers").alias("audience"),
        pl.col("origin").alias("channel"),
        utc("first_contact_date").alias("qualified_at"),
        utc("won_date").alias("converted_at"),
        "seller_id",
    )
    return {
        "customers": customers, "sellers": sellers, "products": products, "orders": mapped_orders,
        "order_lines": lines, "payments": payments, "reviews": reviews, "leads": leads,
    }
