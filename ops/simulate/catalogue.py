"""What is sold: categories, product families, and the family pairs that are bought together."""

# category: (parent category, return rate, commission rate, median price in EUR, product families)
CATEGORIES: dict[str, tuple[str, float, float, float, tuple[str, ...]]] = {
    "smartphones": ("electronics", 0.07, 0.08, 280.0, ("phone", "phone_case", "charger", "screen_protector")),
    "computing": ("electronics", 0.06, 0.07, 320.0, ("laptop", "keyboard", "monitor", "usb_hub")),
    "audio": ("electronics", 0.09, 0.10, 85.0, ("headphones", "speaker", "turntable")),
    "kitchen": ("home", 0.05, 0.13, 60.0, ("coffee_machine", "coffee_beans", "cookware", "knives", "grinder")),
    "furniture": ("home", 0.10, 0.14, 180.0, ("chair", "desk", "bookcase", "lamp")),
    "garden": ("home", 0.06, 0.13, 55.0, ("plant", "plant_pot", "garden_tool", "barbecue")),
    "women_fashion": ("fashion", 0.24, 0.17, 48.0, ("dress", "coat", "shoes", "handbag")),
    "men_fashion": ("fashion", 0.20, 0.17, 52.0, ("shirt", "jeans", "sneakers", "belt")),
    "toys": ("kids", 0.05, 0.14, 27.0, ("board_game", "building_set", "doll", "puzzle")),
    "sports": ("leisure", 0.10, 0.13, 44.0, ("yoga_mat", "running_shoes", "bicycle_part", "tent")),
    "books": ("leisure", 0.02, 0.15, 16.0, ("novel", "comic", "cookbook", "travel_guide")),
    "beauty": ("care", 0.04, 0.15, 30.0, ("perfume", "skin_care", "hair_care", "make_up")),
}
CATEGORY_NAMES = tuple(CATEGORIES)
FAMILIES = tuple((family, c) for c, name in enumerate(CATEGORY_NAMES) for family in CATEGORIES[name][4])
FAMILY_NAMES = tuple(name for name, _ in FAMILIES)
CATEGORY_OF_FAMILY = tuple(category for _, category in FAMILIES)

# Accessories cost far less than the rest of their category.
CHEAP_FAMILIES = ("phone_case", "charger", "screen_protector", "coffee_beans", "plant_pot", "usb_hub")

# A further line of an order whose first line is of the first family is of the second one with this probability.
AFFINITIES = (("phone", "phone_case", 0.55), ("coffee_machine", "coffee_beans", 0.55), ("plant", "plant_pot", 0.5))

BRANDS = ("Norda", "Velia", "Kestrel", "Aubrac", "Lumo", "Osier", "Tarn", "Brume", "Palme", "Sillage", "Quercy", "Ilex")
ADJECTIVES = ("classic", "light", "pro", "compact", "premium", "eco", "large", "mini")
