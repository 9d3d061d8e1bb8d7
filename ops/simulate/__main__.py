"""Command line: `python -m ops.simulate --out DIR --orders N --days D`, or `--sample` for the committed extracts."""

import argparse
import sys
from datetime import date
from pathlib import Path

from ops.simulate.build import write_extracts
from ops.simulate.settings import FORMATS, SAMPLE, SAMPLE_DIR, Settings


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ops.simulate", description=__doc__)
    parser.add_argument("--sample", action="store_true", help="write the committed sample with its own settings")
    parser.add_argument("--out", type=Path, help=f"folder of the extracts (--sample: {SAMPLE_DIR})")
    parser.add_argument("--orders", type=int, help="number of orders")
    parser.add_argument("--days", type=int, help="number of business days")
    parser.add_argument("--end", type=date.fromisoformat, default=SAMPLE.end, help="last business day, YYYY-MM-DD")
    parser.add_argument("--seed", type=int, default=SAMPLE.seed, help="which marketplace (default %(default)s)")
    parser.add_argument("--format", choices=FORMATS, default="csv", dest="fmt")
    parser.add_argument("--daily", action="store_true", help="write daily deliveries, <table>/dt=YYYY-MM-DD/")
    parser.add_argument(
        "--last-days", type=int, default=0, help="the last days as daily deliveries, after one of all before them"
    )
    parser.add_argument("--tables", default="", help="only these tables, separated by commas")
    parser.add_argument("--timezone", help="business time zone (default: that of the marketplace)")
    parser.add_argument("--reporting-currency", help="reporting currency (default: that of the marketplace)")
    parser.add_argument(
        "--sessions-per-order",
        type=float,
        default=Settings.sessions_per_order,
        help="tracked sessions of people for each order; %(default)s means about eleven events per order "
        f"(default %(default)s, the sample has {SAMPLE.sessions_per_order})",
    )
    parser.add_argument(
        "--session-conversion",
        type=float,
        default=Settings.session_conversion,
        help="share of these sessions that end with an order (default %(default)s); all other orders are untracked",
    )
    parser.add_argument(
        "--dirt", action="store_true", help="add a delivery with a known number of bad, repeated and corrected rows"
    )
    parser.add_argument(
        "--plain",
        action="store_true",
        help="plant nothing: a level market of weekdays and chance, in which whatever is found is a false alarm",
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Write the extracts; exits with 2 when the arguments make no sense."""
    parser = _arguments()
    args = parser.parse_args(argv)
    if args.sample:
        settings, out = SAMPLE, args.out or SAMPLE_DIR
    else:
        if None in (args.out, args.orders, args.days):
            parser.error("--out, --orders and --days are required (or --sample)")
        names = [name for name in vars(args) if name in Settings.__dataclass_fields__ and name != "tables"]
        try:
            settings = Settings(
                **{name: getattr(args, name) for name in names},
                tables=tuple(name for name in args.tables.split(",") if name),
            )
        except ValueError as error:
            parser.error(str(error))
        out = args.out
    try:
        write_extracts(settings, out, lambda message: print(message, file=sys.stderr))
    except ValueError as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
