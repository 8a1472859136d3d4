"""The exposure ledger: how often training showed each fact, and which facts are known."""
