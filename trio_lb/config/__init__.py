"""What a user writes: schema, loading, linting."""
