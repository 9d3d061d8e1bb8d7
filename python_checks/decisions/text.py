"""How a person writes a value."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

FORMATS = re.compile(r"^(?:#,##)?0(?:\.(?P<places>0+))?(?P<percent>%?)$")
NOISE = 1e-9  # of the last place: a half of which one binary number is a hair above and another a hair below


@cache  # many segments have the same value
def ways_to_write(value: float | None, form: str) -> set[str | None]:
    """The texts a value may have in a format: one, and two where it lies halfway between them.

    A person writes thousands apart whether or not the format shows where: 1,275.9 in `0.0`.
    """
    if value is None:
        return {None}
    parts = FORMATS.match(form)
    if parts is None:
        raise ValueError(f"no such format: {form}")
    places = len(parts["places"] or "")
    scaled = Decimal(repr(value)) * (100 if parts["percent"] else 1) * 10**places
    noise = Decimal(NOISE) * max(1, abs(scaled) / 10**6)
    texts = set()
    for shifted in (scaled, scaled - noise, scaled + noise):
        number = int(shifted.quantize(Decimal(1), ROUND_HALF_UP))
        whole, rest = divmod(abs(number), 10**places)
        text = f"{whole:,}"
        if places:
            text += f".{rest:0{places}d}"
        texts.add(("-" if number < 0 else "") + text + parts["percent"])
    return texts


def is_written(text: str | None, value: float | None, form: str) -> bool:
    """Whether a text is the value in that format."""
    if value is not None and not math.isfinite(value):
        return False
    return text in ways_to_write(value, form)
