"""Documents and the store they stand in."""

from collections import Counter
from dataclasses import asdict, dataclass

from seclab.errors import InvalidData
from seclab.fingerprint import Digest, of_json


@dataclass(frozen=True, slots=True)
class Document:
    """A text that the agent may retrieve.

    Attributes:
        id: Unique within its store.
        title: Short headline; retrieved and inspected together with the text.
        text: The content.
        source: Who wrote it: ``handbook``, ``forum``, ``supplier``, ...
        trusted: Whether the company wrote and reviewed it. Says where a document comes from,
            not that it is harmless: the guard inspects every document.
    """

    id: str
    title: str
    text: str
    source: str
    trusted: bool

    @property
    def content(self) -> str:
        """Title and text, what a reader sees."""
        return f"{self.title}\n{self.text}"


@dataclass(frozen=True, slots=True)
class DocumentStore:
    """Documents with unique ids.

    Raises:
        InvalidData: An id stands twice, or a document has no text; all problems at once.
    """

    documents: tuple[Document, ...]

    def __post_init__(self) -> None:
        counts = Counter(document.id for document in self.documents)
        problems = [
            f"document {name!r} stands {count} times in the store; give each an id of its own"
            for name, count in counts.items()
            if count > 1
        ]
        problems += [
            f"document {document.id!r} is empty; give it a text or leave it out"
            for document in self.documents
            if not document.content.strip()
        ]
        if problems:
            raise InvalidData(problems)

    def with_documents(self, planted: tuple[Document, ...]) -> "DocumentStore":
        """The store with more documents in it."""
        return DocumentStore(self.documents + planted) if planted else self

    @property
    def own(self) -> "DocumentStore":
        """The documents that count as the company's own, whoever wrote them."""
        return DocumentStore(tuple(document for document in self.documents if document.trusted))

    @property
    def digest(self) -> Digest:
        """Changes with any document; blind to their order, for retrieval is blind to it too."""
        ordered = sorted(self.documents, key=lambda document: document.id)
        return of_json([asdict(document) for document in ordered])

    def __len__(self) -> int:
        return len(self.documents)
