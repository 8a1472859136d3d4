"""Files written whole or not at all, with the same bytes for the same content. Imports no torch."""
