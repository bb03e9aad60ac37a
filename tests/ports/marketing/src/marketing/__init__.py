"""Features of marketing spend, and counts of users."""
