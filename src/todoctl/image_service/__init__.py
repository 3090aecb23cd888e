"""An image service of our own: how it answers can be chosen, and it remembers what it was asked."""
