"""Releases of every shape, brought by the real tools to a real API server that asks the chart's webhook."""
