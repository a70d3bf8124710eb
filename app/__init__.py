"""What people see: pages, figures, texts, the map and the command line."""
