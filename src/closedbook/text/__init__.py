"""From a user's files to documents, questions and token ids. Imports no torch and learns nothing."""
