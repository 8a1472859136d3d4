"""From files as people have them to one-line documents with titles, and to pairs. Imports no torch."""
