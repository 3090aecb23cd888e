"""The verdict: what is done (scenarios), what was seen (history), what is right (model), and the judge."""
