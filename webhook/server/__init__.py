"""The composition of `mtls-guard serve`: its backend, its background work, and what it shows of itself."""
