"""The open-book reader: learns from the training pairs what an answer looks like."""
