"""What was done and seen, what it says, and what follows, as plain data; shared by validation and course."""
