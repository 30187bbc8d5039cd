"""Places in data files: of offsets in a text, of values in JSON and YAML, and of texts inside texts."""

from trueup.datafiles.json_places import JsonPlaces, duplicate_keys, inner_offset
from trueup.datafiles.text import Text
from trueup.datafiles.yaml_nodes import Mapping, NotYaml, Scalar, Sequence, YamlNode, documents_of, placer

__all__ = [
    "JsonPlaces",
    "Mapping",
    "NotYaml",
    "Scalar",
    "Sequence",
    "Text",
    "YamlNode",
    "documents_of",
    "duplicate_keys",
    "inner_offset",
    "placer",
]
