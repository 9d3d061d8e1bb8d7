"""Judges rows by the contract: every value by its written form (or its Parquet type), then its bounds."""

from __future__ import annotations

import datetime as dt

import polars as pl

from python_checks.recompute.contract import Column, Table
from python_checks.recompute.files import FIRST_YEAR, LAST_YEAR

MONEY_PLACES = 4  # money is held as whole ten-thousandths of a unit of its currency
MONEY_UNIT = 10**MONEY_PLACES
MOST_DIGITS = 15  # of a whole number: what a float holds
MOST_AMOUNT = 10**14  # no amount has more than 14 digits before the point, nor has quantity x unit_price
POLARS_TYPES = {
    "text": pl.String,
    "enum": pl.String,
    "currency": pl.String,
    "decimal": pl.String,  # kept as written: a rate is used exactly
    "time": pl.Datetime("us", "UTC"),
    "plan": pl.Datetime("us", "UTC"),
    "date": pl.Date,
    "int": pl.Int64,
    "money": pl.Int64,
    "bool": pl.Boolean,
}
WRITTEN_FORMS = {
    "time": (
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
        r"(Z?|[T ][0-9]{2}:[0-9]{2}(:[0-5][0-9](\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)$"
    ),
    "date": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "int": rf"^-?[0-9]{{1,{MOST_DIGITS}}}$",
    "money": r"^-?[0-9]{1,14}(\.[0-9]{1,4})?$",
    "decimal": r"^-?[0-9]{1,18}(\.[0-9]+)?$",
    "currency": r"^[A-Z]{3}$",
    "bool": r"^(true|false)$",
}
WRITTEN_FORMS["plan"] = WRITTEN_FORMS["time"]
OFFSET = r":\d{2}(?:\.\d+)?([+-])(\d{2}):?(\d{2})?$"
EPOCH = dt.date(1970, 1, 1).toordinal()
MOST_OFFSET = 16 * 60  # minutes


def judge(table: Table, rows: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """The rows typed, with the columns of theirs that begin with `_` and `_reason`: why a row is rejected, else null.

    `rows` has those of the table's columns that were delivered, as text or as Parquet has them; `day` is the day of
    their delivery. Columns that were not delivered are null.
    """
    columns = list(table.columns.values())
    given = [_given(column, rows.schema.get(column.name)) for column in columns]
    typed = rows.select(
        *(value.alias(column.name) for column, (value, _) in zip(columns, given, strict=True)),
        *(wrong.alias(f"{column.name}?") for column, (_, wrong) in zip(columns, given, strict=True)
          if wrong is not None),
        *(name for name in rows.columns if name.startswith("_")),
    )
    reasons = [
        pl.when(wrong).then(pl.lit(f"{column.name} {why}"))
        for column in columns for wrong, why in _faults(column, f"{column.name}?" in typed.columns, day)
    ]
    reasons += [pl.when(wrong).then(pl.lit(why)) for wrong, why in _faults_of_a_row(table)]
    return typed.with_columns(_reason=pl.coalesce(reasons)).drop(name for name in typed.columns if name.endswith("?"))


# -- faults -----------------------------------------------------------------------------------------------------------


def _faults(column: Column, can_be_wrong: bool, day: dt.date) -> list[tuple[pl.Expr, str]]:
    value = pl.col(column.name)
    found = [(pl.col(f"{column.name}?"), f"is no {column.type}")] if can_be_wrong else []
    if column.required:
        found.append((value.is_null(), "is missing"))
    if column.words:
        found.append((~value.is_in(list(column.words)), f"is none of {', '.join(column.words)}"))
    if column.bounds:
        number = value.cast(pl.Float64)
        low, _, high = column.bounds.partition("..")
        if high:
            outside = (number < float(low)) | (number > float(high))
        else:
            outside = number <= 0 if column.bounds == ">0" else number < 0
        found.append((outside, f"is not {column.bounds}"))
    if column.type in ("time", "plan", "date"):
        year = value.dt.year()
        found.append(((year < FIRST_YEAR) | (year > LAST_YEAR), f"is not in {FIRST_YEAR}..{LAST_YEAR}"))
    if column.type == "time":
        late = pl.lit(dt.datetime.combine(day, dt.time(), dt.UTC) + dt.timedelta(days=2))
        found.append((value >= late, "is later than the delivery day + 1"))
    return found


def _faults_of_a_row(table: Table) -> list[tuple[pl.Expr, str]]:
    if table.name == "order_lines":
        price = pl.col("quantity").cast(pl.Int128) * pl.col("unit_price").cast(pl.Int128)
        return [
            (price >= MOST_AMOUNT * MONEY_UNIT, f"quantity x unit_price is not below {MOST_AMOUNT}"),
            (pl.col("seller_discount").cast(pl.Int128) > price, "seller_discount is more than quantity x unit_price"),
        ]
    if table.name == "survey_invitations":
        return [((pl.col("survey") != "nps") & ~pl.col("score").is_between(1, 5), "score is not 1..5")]
    return []


# -- values -----------------------------------------------------------------------------------------------------------


def _given(column: Column, kind: pl.DataType | None) -> tuple[pl.Expr, pl.Expr | None]:
    """The value of a delivered column, null where it has none or a wrong one, and where it is wrong (None: nowhere)."""
    target = POLARS_TYPES[column.type]
    if kind is None or kind == pl.Null:
        return pl.lit(None, target), None
    raw = pl.col(column.name)
    if kind.is_float():
        raw = raw.fill_nan(None)  # a gap
    if kind == pl.Date or isinstance(kind, pl.Datetime):
        raw = _within_the_calendar(raw, kind)
    value = _typed(raw, kind, column.type)
    if value is None:
        text = _as_text(raw, kind)
        if text is None:
            return pl.lit(None, target), raw.is_not_null()
        if column.type in ("text", "enum"):
            if kind == pl.Date or isinstance(kind, pl.Datetime):
                # what no calendar holds stays as different as it is delivered
                units = pl.col(column.name).to_physical()
                text = pl.when(raw.to_physical() == units).then(text).otherwise(units.cast(pl.String))
            return text, None
        value = parsed(pl.when(text.str.contains(WRITTEN_FORMS[column.type])).then(text), column.type)
        return value, text.is_not_null() & value.is_null()
    return value, raw.is_not_null() & value.is_null()


def _typed(raw: pl.Expr, kind: pl.DataType, wanted: str) -> pl.Expr | None:
    """A column whose Parquet type is near to the wanted one, null where it does not fit; None for any other type."""
    if wanted in ("time", "plan"):
        if isinstance(kind, pl.Datetime):
            moment = raw.dt.convert_time_zone("UTC") if kind.time_zone else raw.dt.replace_time_zone("UTC")
            return moment.dt.cast_time_unit("us")
        if kind == pl.Date:
            return raw.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    elif wanted == "date":
        if kind == pl.Date:
            return raw
        if isinstance(kind, pl.Datetime):
            utc = raw.dt.convert_time_zone("UTC") if kind.time_zone else raw
            return pl.when(utc.dt.time() == dt.time()).then(utc.dt.date())
    elif wanted == "bool" and kind == pl.Boolean:
        return raw
    elif wanted == "int" and kind.is_numeric():
        whole = raw.cast(pl.Int64, strict=False)
        is_whole = whole.cast(kind, strict=False) == raw
        return pl.when(is_whole & whole.is_between(-(10**MOST_DIGITS) + 1, 10**MOST_DIGITS - 1)).then(whole)
    elif wanted == "money" and (kind.is_integer() or kind.is_decimal()):
        exact = raw.cast(pl.Decimal(38, MONEY_PLACES), strict=False)
        is_exact = exact.cast(kind, strict=False) == raw
        units = exact.to_physical()
        most = MOST_AMOUNT * MONEY_UNIT - 1
        return pl.when(is_exact & units.is_between(-most, most)).then(units).cast(pl.Int64)
    return None


def _within_the_calendar(raw: pl.Expr, kind: pl.DataType) -> pl.Expr:
    """Times and days with those beyond the years 1 to 9999 as the last one: polars stops at what it cannot write."""
    if kind == pl.Date:
        units = 1
    elif kind.time_unit == "ns":  # cannot be that far
        return raw
    else:
        units = 86_400 * {"ms": 10**3, "us": 10**6}[kind.time_unit]
    first, last = dt.date.min.toordinal() - EPOCH, dt.date.max.toordinal() - EPOCH
    physical = raw.to_physical()
    return pl.when(physical.is_between(first * units, last * units)).then(physical).when(raw.is_not_null()).then(
        pl.lit(last * units, pl.Int32 if kind == pl.Date else pl.Int64)
    ).cast(kind)


def _as_text(raw: pl.Expr, kind: pl.DataType) -> pl.Expr | None:
    """A column as it would be written, an empty text as null; None for types that are never written so."""
    if kind.is_nested() or kind in (pl.Duration, pl.Time, pl.Binary, pl.Object):
        return None
    if kind.is_float():
        whole = raw.cast(pl.Int64, strict=False)
        is_whole = (whole.cast(kind) == raw) & (raw.abs() < 1e15)
        return pl.when(is_whole).then(whole.cast(pl.String)).otherwise(raw.cast(pl.String))
    if kind.is_decimal():
        return raw.cast(pl.String).str.replace(r"(\.\d*?)0+$", "$1").str.strip_suffix(".")
    text = raw if kind == pl.String else raw.cast(pl.String)
    return pl.when(text != "").then(text)


def parsed(column: pl.Expr, kind: str) -> pl.Expr:
    """A text column that has its type's written form as that type; what names no real time or number is null."""
    if kind in ("time", "plan"):
        local = pl.concat_str(
            column.str.slice(0, 10), pl.lit(" "), column.str.extract(r"^.{11}(\d{2}:\d{2})").fill_null("00:00"),
            column.str.extract(r"^.{16}(:\d{2})").fill_null(":00"),
            column.str.extract(r"^.{19}(\.\d{1,6})").fill_null(".0"),
        ).str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us")
        sign, hours, minutes = (column.str.extract(OFFSET, group) for group in (1, 2, 3))
        offset = hours.cast(pl.Int64).fill_null(0) * 60 + minutes.cast(pl.Int64).fill_null(0)
        utc = local - pl.duration(minutes=pl.when(sign == "-").then(-offset).otherwise(offset))
        return pl.when(offset < MOST_OFFSET).then(utc).otherwise(None).dt.replace_time_zone("UTC")
    if kind == "date":
        return column.str.to_date("%Y-%m-%d", strict=False)
    if kind == "int":
        return column.cast(pl.Int64, strict=False)
    if kind == "money":
        whole = column.str.extract(r"^(-?\d+)")
        places = column.str.extract(r"\.(\d+)$").fill_null("").str.pad_end(MONEY_PLACES, "0")
        return pl.concat_str(whole, places).cast(pl.Int64, strict=False)
    if kind == "bool":
        return column == "true"
    return column
