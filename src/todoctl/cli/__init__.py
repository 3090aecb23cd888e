"""The command line: parses, hands over, prints. What is heavy is imported by the command that uses it."""
