"""The exposure ledger: how often training exposed each fact, and which facts the model knows."""
