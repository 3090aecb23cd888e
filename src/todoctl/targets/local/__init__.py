"""The app as a background process on this machine."""
