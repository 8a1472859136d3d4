"""closedbook: pretrain a tiny transformer on a text, close the book, and ask it questions."""
