"""What it means: classes, series, and what can be said of a place or a region."""
