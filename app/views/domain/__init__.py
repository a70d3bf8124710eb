"""What the pages of the four domains share: the question, the answer, the map, the ranking, the evidence."""
