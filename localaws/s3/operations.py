"""The S3 operations that are done; the others are refused and destroy nothing.

ministack takes a subresource that it does not know for none at all: deleting an inventory configuration
deletes the bucket. So a request passes only when its subresource is in this table for its method.
"""

from __future__ import annotations

from collections.abc import Iterable

from localaws.service import AwsError

_READ_WRITE_DELETE = frozenset({"GET", "PUT", "DELETE"})
_READ_WRITE = frozenset({"GET", "PUT"})

BUCKET_SUBRESOURCES: dict[str, frozenset[str]] = {
    "accelerate": _READ_WRITE,
    "acl": _READ_WRITE,
    "cors": _READ_WRITE_DELETE,
    "delete": frozenset({"POST"}),
    "encryption": _READ_WRITE_DELETE,
    "lifecycle": _READ_WRITE_DELETE,
    "location": frozenset({"GET"}),
    "logging": _READ_WRITE,
    "notification": _READ_WRITE,
    "object-lock": _READ_WRITE,
    "ownershipControls": _READ_WRITE_DELETE,
    "policy": _READ_WRITE_DELETE,
    "publicAccessBlock": _READ_WRITE_DELETE,
    "replication": _READ_WRITE_DELETE,
    "tagging": _READ_WRITE_DELETE,
    "uploads": frozenset({"GET"}),
    "versioning": _READ_WRITE,
    "versions": frozenset({"GET"}),
    "website": _READ_WRITE_DELETE,
}
"""Subresources of a bucket, and the methods that do what they say."""

OBJECT_SUBRESOURCES: dict[str, frozenset[str]] = {
    "acl": _READ_WRITE,
    "attributes": frozenset({"GET"}),
    "legal-hold": _READ_WRITE,
    "restore": frozenset({"POST"}),
    "retention": _READ_WRITE,
    "tagging": _READ_WRITE_DELETE,
    "uploads": frozenset({"POST"}),
}
"""Subresources of an object, and the methods that do what they say."""

_REFUSED = frozenset(
    {
        "abac",
        "analytics",
        "annotation",
        "intelligent-tiering",
        "inventory",
        "metadataAnnotationTable",
        "metadataConfiguration",
        "metadataInventoryTable",
        "metadataJournalTable",
        "metadataTable",
        "metrics",
        "policyStatus",
        "renameObject",
        "requestPayment",
        "select",
        "session",
        "torrent",
    }
)
SUBRESOURCES = _REFUSED | BUCKET_SUBRESOURCES.keys() | OBJECT_SUBRESOURCES.keys()
"""Every query parameter that makes a request one for a subresource."""


OTHER_ENDPOINTS = frozenset({"ListDirectoryBuckets", "WriteGetObjectResponse"})
"""Operations of the API that go to hosts which a lake on one port does not have."""


def check(method: str, has_key: bool, query: Iterable[str]) -> None:
    """Let a request through, or refuse it.

    Raises
    ------
    AwsError
        ``NotImplemented`` with status 501, naming the subresource.
    """
    done = OBJECT_SUBRESOURCES if has_key else BUCKET_SUBRESOURCES
    for name in SUBRESOURCES.intersection(query):
        if method not in done.get(name, ()):
            kind = "an object" if has_key else "a bucket"
            message = f"Local AWS does not do {method} ?{name} of {kind}; see docs/local-aws.md"
            raise AwsError("NotImplemented", message, 501)
