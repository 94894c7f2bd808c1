"""The view of a live cluster, kept as an informer of client-go keeps it, and the judge on it."""
