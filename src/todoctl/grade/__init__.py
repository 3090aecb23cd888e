"""Grades an app that somebody else has written: finds it, brings it up, judges it, takes it away."""
