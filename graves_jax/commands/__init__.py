"""The commands that an installation brings; the scripts in experiments/ call the same modules."""
