"""The built-in world: a text about invented people, whose every fact is known."""
