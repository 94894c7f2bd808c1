"""Text of other people -> JSON values, in bounded depth and size: the only importer of a YAML parser.

Objects hold YAML and JSON in strings (MeshConfig, ProxyConfig, the injector's values), files hold objects, and
a policy is YAML: all of it is read here. What the values mean is left to the callers. `yaml_text` and `yaml_nodes`
import PyYAML, `json_text` does not.
"""
