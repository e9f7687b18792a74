"""Numbers that compare a reconstruction with its target."""
