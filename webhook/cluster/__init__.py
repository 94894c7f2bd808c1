"""A live cluster: API access, watches and the view that they keep. The only importer of kubernetes."""
