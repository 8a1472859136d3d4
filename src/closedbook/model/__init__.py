"""The transformer: token ids in, logits out; knows no file and no text."""
