"""How the webhook is reached: its TLS certificate, its socket, its server process. The answers are left to `web`."""
