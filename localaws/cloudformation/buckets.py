"""Properties of AWS::S3::Bucket that ministack drops, applied; those that nobody applies, refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

Properties = dict[str, Any]

_BUCKET_PROPERTIES = frozenset(
    {
        "BucketEncryption",
        "BucketName",
        "CorsConfiguration",
        "LifecycleConfiguration",
        "NotificationConfiguration",
        "PublicAccessBlockConfiguration",
        "Tags",
        "VersioningConfiguration",
        "WebsiteConfiguration",
    }
)
_S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


class Buckets:
    """Applies the properties of a bucket that ministack drops, and refuses those that nobody applies.

    Parameters
    ----------
    send
        Sends a request for a subresource: method, bucket, subresource and XML.
    save
        Puts the settings of buckets on disk.
    """

    def __init__(self, send: Callable[[str, str, str, bytes], None], save: Callable[[], None]) -> None:
        self._send = send
        self._save = save

    def around(self, inner: dict[str, Any]) -> dict[str, Any]:
        """Return ministack's handlers of buckets with ours around them."""

        def create(logical_id: str, properties: Properties, stack: str) -> Any:
            _refuse_unknown(properties)
            name, attributes = inner["create"](logical_id, properties, stack)
            self._apply(name, {}, properties)
            return name, attributes

        def update(name: str, old: Properties, new: Properties, stack: str) -> Any:
            _refuse_unknown(new)
            updated, attributes = inner["update"](name, old, new, stack)
            self._apply(updated, old, new)
            return updated, attributes

        return {**inner, "create": create, "update": update}

    def _apply(self, name: str, old: Properties, new: Properties) -> None:
        for key, (subresource, to_xml) in _APPLIED.items():
            if key in new:
                self._send("PUT", name, subresource, tostring(to_xml(new[key])))
            elif key in old:
                self._send("DELETE", name, subresource, b"")
        self._save()


def _refuse_unknown(properties: Properties) -> None:
    if unknown := sorted(properties.keys() - _BUCKET_PROPERTIES):
        raise ValueError(
            f"Local AWS does not do {', '.join(unknown)} of AWS::S3::Bucket; see docs/local-aws.md"
        )


def _root(name: str) -> Element:
    return Element(name, {"xmlns": _S3_NAMESPACE})


def _add(parent: Element, name: str, value: Any = None) -> Element:
    child = SubElement(parent, name)
    if value is not None:
        child.text = str(value).lower() if isinstance(value, bool) else str(value)
    return child


def _encryption_xml(encryption: Properties) -> Element:
    root = _root("ServerSideEncryptionConfiguration")
    for given in encryption["ServerSideEncryptionConfiguration"]:
        rule = _add(root, "Rule")
        default = _add(rule, "ApplyServerSideEncryptionByDefault")
        for key, value in given.get("ServerSideEncryptionByDefault", {}).items():
            _add(default, key, value)
        if "BucketKeyEnabled" in given:
            _add(rule, "BucketKeyEnabled", given["BucketKeyEnabled"])
    return root


def _tagging_xml(tags: list[Properties]) -> Element:
    root = _root("Tagging")
    tag_set = _add(root, "TagSet")
    for given in tags:
        tag = _add(tag_set, "Tag")
        _add(tag, "Key", given["Key"])
        _add(tag, "Value", given["Value"])
    return root


def _lifecycle_xml(configuration: Properties) -> Element:
    root = _root("LifecycleConfiguration")
    for given in configuration["Rules"]:
        _add_rule(_add(root, "Rule"), given)
    return root


_EXPIRATION = {
    "ExpirationInDays": "Days",
    "ExpirationDate": "Date",
    "ExpiredObjectDeleteMarker": "ExpiredObjectDeleteMarker",
}
_TRANSITION = {"TransitionInDays": "Days", "TransitionDate": "Date"}
_NONCURRENT = {"TransitionInDays": "NoncurrentDays", "NewerNoncurrentVersions": "NewerNoncurrentVersions"}


def _add_rule(rule: Element, given: Properties) -> None:
    _add(rule, "ID", given.get("Id", ""))
    _add_filter(_add(rule, "Filter"), given)
    _add(rule, "Status", given["Status"])
    single = [given[key] for key in ("Transition",) if key in given]
    for each in [*given.get("Transitions", []), *single]:
        _add_renamed(_add(rule, "Transition"), each, {**_TRANSITION, "StorageClass": "StorageClass"})
    if _EXPIRATION.keys() & given.keys():
        _add_renamed(_add(rule, "Expiration"), given, _EXPIRATION)
    for each in given.get("NoncurrentVersionTransitions", []):
        _add_renamed(
            _add(rule, "NoncurrentVersionTransition"), each, {**_NONCURRENT, "StorageClass": "StorageClass"}
        )
    for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if name in given:
            _add_renamed(_add(rule, name), given[name], {key: key for key in given[name]})


def _add_filter(holder: Element, given: Properties) -> None:
    sizes = [key for key in ("ObjectSizeGreaterThan", "ObjectSizeLessThan") if key in given]
    tags = given.get("TagFilters", [])
    if len(sizes) + len(tags) + ("Prefix" in given) > 1:
        holder = _add(holder, "And")
    if "Prefix" in given or not (sizes or tags):
        _add(holder, "Prefix", given.get("Prefix", ""))
    for given_tag in tags:
        tag = _add(holder, "Tag")
        _add(tag, "Key", given_tag["Key"])
        _add(tag, "Value", given_tag["Value"])
    for size in sizes:
        _add(holder, size, given[size])


def _add_renamed(parent: Element, given: Properties, names: Mapping[str, str]) -> None:
    for key, name in names.items():
        if key in given:
            _add(parent, name, given[key])


_APPLIED: dict[str, tuple[str, Callable[[Any], Element]]] = {
    "BucketEncryption": ("encryption", _encryption_xml),
    "LifecycleConfiguration": ("lifecycle", _lifecycle_xml),
    "Tags": ("tagging", _tagging_xml),
}
