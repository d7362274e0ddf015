"""Data sets of written lines by the million: what is written (plan), into which files (shards, formats), by whom
(engines), and what is told about it (data card)."""
