"""Images on their way through Docker, and the app's own."""
