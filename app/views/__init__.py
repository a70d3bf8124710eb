"""One file per page; each ends with `VIEW = View(...)`."""
