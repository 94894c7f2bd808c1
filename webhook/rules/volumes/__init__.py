"""Rules about the volumes and mounts of istio-proxy, and the paths of files."""
