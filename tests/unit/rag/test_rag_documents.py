from dataclasses import fields, replace

import pytest

from seclab.errors import InvalidData, Misconfigured
from seclab.rag import KNOWLEDGE_BASE, Document, DocumentStore
from seclab.rag.retriever import Retriever, sentences


def document(name, text="The lamp weighs 84 grams."):
    return Document(name, "Lamp", text, source="forum", trusted=False)


def test_a_store_names_all_its_problems_at_once():
    with pytest.raises(InvalidData) as caught:
        DocumentStore((document("a"), document("a"), Document("b", "", " ", "forum", trusted=True)))

    assert len(caught.value.problems) == 2
    assert "'a' stands 2 times" in caught.value.problems[0]
    assert "'b' is empty" in caught.value.problems[1]


def test_the_digest_does_not_depend_on_the_order_of_documents():
    one, two = document("a"), document("b")

    assert DocumentStore((one, two)).digest == DocumentStore((two, one)).digest


@pytest.mark.parametrize("name", [field.name for field in fields(Document)])
def test_the_digest_changes_with_every_field_of_a_document(name):
    first, *others = KNOWLEDGE_BASE.documents
    value = getattr(first, name)
    changed = replace(first, **{name: not value if name == "trusted" else f"{value}."})

    assert DocumentStore((changed, *others)).digest != KNOWLEDGE_BASE.digest


def test_planting_leaves_the_store_itself_unchanged():
    before = KNOWLEDGE_BASE.digest

    assert len(KNOWLEDGE_BASE.with_documents((document("a"),))) == len(KNOWLEDGE_BASE) + 1
    assert KNOWLEDGE_BASE.digest == before


def test_the_knowledge_base_is_the_companys_own_and_of_a_fair_size():
    assert 15 <= len(KNOWLEDGE_BASE) <= 25
    assert all(article.trusted for article in KNOWLEDGE_BASE.documents)


def test_the_document_that_shares_the_rare_word_comes_first():
    hits = Retriever(KNOWLEDGE_BASE).search("How do I wash a down jacket?", top_k=3)

    assert hits[0].document.id == "down-care"
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all(0.0 < hit.score <= 1.0 for hit in hits)


def test_equal_documents_come_in_the_order_of_their_ids():
    twins = tuple(document(name) for name in ("c", "a", "b"))

    for store in (twins, twins[::-1]):
        hits = Retriever(DocumentStore(store)).search("lamp", top_k=2)
        assert [hit.document.id for hit in hits] == ["a", "b"]


def test_no_more_than_top_k_documents_are_found_and_none_without_a_common_word():
    retriever = Retriever(KNOWLEDGE_BASE)

    assert len(retriever.search("order delivery tent boots email", top_k=2)) == 2
    assert retriever.search("quantum chromodynamics", top_k=4) == ()
    assert retriever.best_sentence("quantum chromodynamics", ()) == ""


def test_nothing_can_be_retrieved_from_an_empty_store():
    with pytest.raises(Misconfigured, match="empty store"):
        Retriever(DocumentStore(()))


def test_sentences_end_at_marks_and_lines_but_not_inside_addresses_and_amounts():
    text = "Pay 40.00 EUR to a.b@c.example. Then wait!\nDone"

    assert sentences(text) == ["Pay 40.00 EUR to a.b@c.example.", "Then wait!", "Done"]
