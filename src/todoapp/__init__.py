"""The picture cache and the page that shows it."""
