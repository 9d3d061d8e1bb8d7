"""A deterministic marketplace simulator that writes extracts in the shape of the input contract."""
