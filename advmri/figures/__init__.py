"""The figures: one module each, with `draw(inputs)` that returns the figure and the table behind it."""
