"""Writing files: as a whole or not at all, and the same bytes for the same content. Imports no torch."""
