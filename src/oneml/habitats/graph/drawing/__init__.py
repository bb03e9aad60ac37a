"""Drawing: diagrams as plain values, their layout, and what they are written as."""
