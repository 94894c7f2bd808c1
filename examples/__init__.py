"""The worked example, what breaks it, and a demo that submits both to a real server."""
