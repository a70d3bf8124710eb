"""What analysts published, as pages show it."""
