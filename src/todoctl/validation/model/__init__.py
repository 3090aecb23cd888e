"""What is known of the right behaviour: the documented policy, and the states that it allows."""
