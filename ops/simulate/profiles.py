"""The marketplaces a seed can choose from: countries, regions, time zones, currencies, public holidays."""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class Country:
    """One country: share of orders, time zone and currency of its buyers, regions with a weight and their cities."""

    code: str
    weight: float
    zone: str
    currency: str
    regions: tuple[tuple[str, float, tuple[str, ...]], ...]
    holidays: tuple[str, ...]


@dataclass(frozen=True)
class Profile:
    """One marketplace: its business time zone, its reporting currency and its countries."""

    name: str
    zone: str
    currency: str
    countries: tuple[Country, ...]


_FR = Country(
    "FR", 46, "Europe/Paris", "EUR",
    (
        ("Île-de-France", 30, ("Paris", "Versailles", "Saint-Denis")),
        ("Auvergne-Rhône-Alpes", 20, ("Lyon", "Grenoble", "Annecy")),
        ("Occitanie", 16, ("Toulouse", "Montpellier")),
        ("Bretagne", 14, ("Rennes", "Brest")),
        ("Hauts-de-France", 12, ("Lille", "Amiens")),
    ),
    ("01-01", "easter+1", "05-01", "05-08", "easter+39", "07-14", "08-15", "11-01", "11-11", "12-25"),
)  # fmt: skip
_DE = Country(
    "DE", 20, "Europe/Berlin", "EUR",
    (
        ("Bayern", 35, ("München", "Nürnberg")),
        ("Nordrhein-Westfalen", 40, ("Köln", "Düsseldorf")),
        ("Berlin", 25, ("Berlin",)),
    ),
    ("01-01", "easter-2", "easter+1", "05-01", "easter+39", "10-03", "12-25", "12-26"),
)  # fmt: skip
_ES = Country(
    "ES", 12, "Europe/Madrid", "EUR",
    (("Cataluña", 50, ("Barcelona", "Girona")), ("Madrid", 50, ("Madrid",))),
    ("01-01", "01-06", "easter-2", "05-01", "08-15", "10-12", "12-06", "12-25"),
)  # fmt: skip
_GB = Country(
    "GB", 14, "Europe/London", "GBP",
    (("England", 75, ("London", "Leeds", "Bristol")), ("Scotland", 25, ("Edinburgh", "Glasgow"))),
    ("01-01", "easter-2", "easter+1", "12-25", "12-26"),
)  # fmt: skip
_US = Country(
    "US", 8, "America/New_York", "USD",
    (("New York", 60, ("New York", "Buffalo")), ("Massachusetts", 40, ("Boston",))),
    ("01-01", "07-04", "11-11", "12-25"),
)  # fmt: skip
_CA = Country(
    "CA", 22, "America/Toronto", "CAD",
    (("Ontario", 60, ("Toronto", "Ottawa")), ("Québec", 40, ("Montréal", "Québec"))),
    ("01-01", "easter-2", "07-01", "12-25", "12-26"),
)  # fmt: skip
_MX = Country(
    "MX", 14, "America/Mexico_City", "MXN",
    (("Jalisco", 40, ("Guadalajara",)), ("Ciudad de México", 60, ("Ciudad de México",))),
    ("01-01", "05-01", "09-16", "12-25"),
)  # fmt: skip
_US_HOME = Country(
    "US", 64, "America/New_York", "USD",
    (
        ("New York", 35, ("New York", "Buffalo")),
        ("Florida", 30, ("Miami", "Tampa")),
        ("Massachusetts", 20, ("Boston",)),
        ("Georgia", 15, ("Atlanta",)),
    ),
    ("01-01", "07-04", "11-11", "12-25"),
)  # fmt: skip
_GB_HOME = Country("GB", 60, _GB.zone, _GB.currency, _GB.regions, _GB.holidays)
_IE = Country(
    "IE", 18, "Europe/Dublin", "EUR", (("Leinster", 60, ("Dublin",)), ("Munster", 40, ("Cork",))),
    ("01-01", "03-17", "easter+1", "12-25", "12-26"),
)  # fmt: skip
_SE = Country(
    "SE", 22, "Europe/Stockholm", "SEK",
    (("Stockholms län", 55, ("Stockholm",)), ("Skåne län", 45, ("Malmö", "Lund"))),
    ("01-01", "easter-2", "easter+1", "05-01", "06-06", "12-25", "12-26"),
)  # fmt: skip
_AU = Country(
    "AU", 62, "Australia/Sydney", "AUD",
    (("New South Wales", 45, ("Sydney", "Newcastle")), ("Victoria", 35, ("Melbourne",)), ("Tasmania", 20, ("Hobart",))),
    ("01-01", "01-26", "easter-2", "easter+1", "04-25", "12-25", "12-26"),
)  # fmt: skip
_NZ = Country(
    "NZ", 22, "Pacific/Auckland", "NZD",
    (("Auckland", 60, ("Auckland",)), ("Canterbury", 40, ("Christchurch",))),
    ("01-01", "02-06", "easter-2", "easter+1", "12-25", "12-26"),
)  # fmt: skip
_SG = Country(
    "SG", 16, "Asia/Singapore", "SGD", (("Singapore", 100, ("Singapore",)),), ("01-01", "05-01", "08-09", "12-25")
)

PROFILES = (
    Profile("northern", "Europe/London", "GBP", (_GB_HOME, _IE, _SE)),
    Profile("europe", "Europe/Paris", "EUR", (_FR, _DE, _ES, _GB, _US)),
    Profile("america", "America/New_York", "USD", (_US_HOME, _CA, _MX)),
    Profile("pacific", "Australia/Sydney", "AUD", (_AU, _NZ, _SG)),
)

# Value of one unit in EUR around which the simulated rate moves.
RATES = {
    "AUD": 0.60,
    "BRL": 0.16,
    "CAD": 0.66,
    "CHF": 1.06,
    "EUR": 1.0,
    "GBP": 1.17,
    "JPY": 0.0061,
    "MXN": 0.048,
    "NOK": 0.086,
    "NZD": 0.55,
    "PLN": 0.234,
    "SEK": 0.089,
    "SGD": 0.68,
    "USD": 0.91,
}


def profile_of(seed: int) -> Profile:
    """The marketplace a seed chooses."""
    return PROFILES[seed % len(PROFILES)]


def easter(year: int) -> date:
    """Easter Sunday (Gregorian calendar)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def holidays(country: Country, first: date, last: date) -> set[date]:
    """Public holidays of a country between two days, both included."""
    found = set()
    for year in range(first.year, last.year + 1):
        for rule in country.holidays:
            if rule.startswith("easter"):
                found.add(easter(year) + timedelta(days=int(rule.removeprefix("easter"))))
            else:
                month, day = rule.split("-")
                found.add(date(year, int(month), int(day)))
    return {day for day in found if first <= day <= last}
