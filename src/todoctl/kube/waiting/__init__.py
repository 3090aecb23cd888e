"""Waiting for a cluster: what is in the way, and for how long that may be so."""
