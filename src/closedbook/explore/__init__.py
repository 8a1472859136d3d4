"""A run in a page: one offline HTML file that holds the model itself, and plain JavaScript that asks it."""
