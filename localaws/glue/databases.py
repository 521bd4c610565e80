"""Operations on databases."""

from __future__ import annotations

from localaws.glue.paging import page, start_after
from localaws.service import AwsError, Context, Payload
from localaws.store import Document, Store, decode, encode

_PAGE = 100
_EVERYONE = {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}


class Databases:
    """The databases of the catalog.

    Parameters
    ----------
    context
        Clock and account.
    store
        Where the catalog lies.
    """

    def __init__(self, context: Context, store: Store) -> None:
        self._context = context
        self._store = store
        self.operations = {
            "CreateDatabase": self.create,
            "DeleteDatabase": self.delete,
            "GetDatabase": self.get,
            "GetDatabases": self.list_all,
            "GetUserDefinedFunctions": self.list_functions,
            "UpdateDatabase": self.update,
        }

    def create(self, payload: Payload) -> Payload:
        """CreateDatabase."""
        document = self._document(payload["DatabaseInput"], self._context.clock.now().timestamp())
        added = self._store.execute(
            "INSERT INTO databases VALUES (?, ?) ON CONFLICT DO NOTHING", document["Name"], encode(document)
        )
        if not added:
            raise AwsError("AlreadyExistsException", f"Database {document['Name']} already exists.")
        return {}

    def delete(self, payload: Payload) -> Payload:
        """DeleteDatabase, with all its tables."""
        name = payload["Name"].lower()
        if not self._store.execute("DELETE FROM databases WHERE name = ?", name):
            raise missing_database(name)
        return {}

    def get(self, payload: Payload) -> Payload:
        """GetDatabase."""
        return {"Database": self._stored(payload["Name"].lower())}

    def list_all(self, payload: Payload) -> Payload:
        """GetDatabases, in the order of names."""
        rows = self._store.rows(
            "SELECT document FROM databases WHERE name > ? ORDER BY name", start_after(payload)
        )
        found = (decode(document) for (document,) in rows)
        shown, more = page(found, lambda database: str(database["Name"]), payload, _PAGE)
        return {"DatabaseList": shown, **more}

    def list_functions(self, payload: Payload) -> Payload:
        """GetUserDefinedFunctions: none, for none can be made."""
        if "DatabaseName" in payload:
            self._stored(payload["DatabaseName"].lower())
        return {"UserDefinedFunctions": []}

    def update(self, payload: Payload) -> Payload:
        """UpdateDatabase."""
        name = payload["Name"].lower()
        with self._store.transaction():
            created_at = self._stored(name)["CreateTime"]
            document = {**self._document(payload["DatabaseInput"], created_at), "Name": name}
            self._store.execute("UPDATE databases SET document = ? WHERE name = ?", encode(document), name)
        return {}

    def _stored(self, name: str) -> Document:
        row = self._store.row("SELECT document FROM databases WHERE name = ?", name)
        if row is None:
            raise missing_database(name)
        document: Document = decode(row[0])
        return document

    def _document(self, given: Document, created_at: float) -> Document:
        return {
            "CreateTableDefaultPermissions": [
                {
                    "Principal": {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"},
                    "Permissions": ["ALL"],
                }
            ],
            **given,
            "Name": given["Name"].lower(),
            "CreateTime": created_at,
            "CatalogId": self._context.account_id,
        }


def missing_database(name: str) -> AwsError:
    """Return the refusal for a database that is not there."""
    return AwsError("EntityNotFoundException", f"Database {name} not found.")
