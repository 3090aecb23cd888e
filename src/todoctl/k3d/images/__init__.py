"""Images: those that are needed, on their way, and the app's own."""
