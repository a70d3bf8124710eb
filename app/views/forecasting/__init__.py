"""What the pages on forecasts share."""
