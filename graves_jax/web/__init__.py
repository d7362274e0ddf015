"""The page that writes in the browser: its sources are in `page/`, `export.py` puts them together with weights."""
