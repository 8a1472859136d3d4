"""The open-book reader: a linear model that finds answers in the documents. Imports no torch."""
