"""What we know to be true of mtls-guard, as programs."""
