"""Plain values that every layer shares: paths, ids, plans, states, canonical JSON."""
