"""Provisions the app, proves that it behaves as documented, and takes it away."""

__version__ = "0.1.0"
