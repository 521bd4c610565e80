"""Tags of everything in Glue that has an ARN."""

from __future__ import annotations

from localaws.service import Payload
from localaws.store import Store


class Tags:
    """The tags of Glue's resources.

    Parameters
    ----------
    store
        Where the catalog lies.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.operations = {"GetTags": self.get, "TagResource": self.tag, "UntagResource": self.untag}

    def get(self, payload: Payload) -> Payload:
        """GetTags."""
        return {
            "Tags": dict(
                self._store.rows("SELECT key, value FROM tags WHERE arn = ?", payload["ResourceArn"])
            )
        }

    def tag(self, payload: Payload) -> Payload:
        """TagResource."""
        self.put(payload["ResourceArn"], payload["TagsToAdd"])
        return {}

    def untag(self, payload: Payload) -> Payload:
        """UntagResource."""
        for key in payload["TagsToRemove"]:
            self._store.execute("DELETE FROM tags WHERE arn = ? AND key = ?", payload["ResourceArn"], key)
        return {}

    def put(self, arn: str, tags: dict[str, str]) -> None:
        """Set tags of a resource, leaving its others as they are."""
        for key, value in tags.items():
            self._store.execute("INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", arn, key, value)
