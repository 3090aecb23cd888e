"""A verdict as what people and programs read: terminal, JSON, JUnit XML, HTML, GitHub Actions."""
