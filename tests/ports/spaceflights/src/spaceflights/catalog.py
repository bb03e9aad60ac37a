"""Where the raw tables come from: made up, in the shape of the tutorial's two CSV files and one Excel sheet."""

from dataclasses import dataclass

import numpy as np
from pandas import DataFrame


@dataclass(frozen=True, kw_only=True)
class RawTables:
    """Companies and reviews as CSV would give them, shuttles as a sheet would: texts where numbers are meant.

    Attributes:
        seed: Of the generator.
        companies: How many companies there are; each has two shuttles.
    """

    seed: int
    companies: int

    def read_companies(self) -> DataFrame:
        """Return one row a company: id, rating ("90%" or missing), location, approval ("t" or "f")."""
        random = np.random.default_rng([self.seed, 1])
        ratings = random.integers(70, 101, self.companies)
        return DataFrame(
            {
                "id": np.arange(1, self.companies + 1),
                "company_rating": [None if rating % 10 == 3 else f"{rating}%" for rating in ratings],
                "company_location": random.choice(["Isle of Man", "Malta", "Niue"], self.companies),
                "iata_approved": random.choice(["t", "f"], self.companies),
            }
        )

    def read_shuttles(self) -> DataFrame:
        """Return one row a shuttle: id, company, engines, passengers, crew, checks ("t" or "f"), price ("$1,234.0")."""
        random = np.random.default_rng([self.seed, 2])
        count = 2 * self.companies
        engines, crew = random.integers(1, 5, count), random.integers(1, 9, count)
        passengers = random.integers(1, 13, count)
        prices = 900 + 310 * engines + 90 * passengers + 45 * crew + random.normal(0, 20, count)
        return DataFrame(
            {
                "id": np.arange(1, count + 1),
                "company_id": np.repeat(np.arange(1, self.companies + 1), 2),
                "engines": engines,
                "passenger_capacity": passengers,
                "crew": crew,
                "d_check_complete": random.choice(["t", "f"], count),
                "moon_clearance_complete": random.choice(["t", "f"], count),
                "price": [f"${price:,.1f}" for price in prices],
            }
        )

    def read_reviews(self) -> DataFrame:
        """Return one row a reviewed shuttle: shuttle, rating (0 to 100)."""
        random = np.random.default_rng([self.seed, 3])
        count = 2 * self.companies
        return DataFrame(
            {"shuttle_id": np.arange(1, count + 1), "review_scores_rating": random.integers(60, 101, count)}
        )
