"""A text set on paper: characters that can be written, words, lines, pages. Needs ink and no model."""
