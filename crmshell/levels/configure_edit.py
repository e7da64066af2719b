"""Level configure: editing and loading text."""
