"""Train networks on a user's own photographs."""
