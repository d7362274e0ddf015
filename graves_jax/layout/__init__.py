"""A text set on paper: characters that can be written, words, lines, pages. Knows ink and no model."""
