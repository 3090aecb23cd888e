"""Provisions the app, proves that it behaves as documented, and takes it away."""
