"""The oracle of a trial: which entities and facts are live when some documents are not."""


def verb_type(verb):
    return verb.upper().replace(" ", "_")


class Stated:
    """What documents state, from the facts (source, verb, target) of each chunk: the same questions for every corpus."""

    def __init__(self, document, chunks):
        self._document = document
        self._chunks = chunks

    def facts_of(self, text):
        """Facts of the chunks that a text, a prompt for example, holds."""
        return list(dict.fromkeys(t for chunk, facts in self._chunks.items() if chunk in text for t in facts))

    def entities_of(self, text):
        return list(dict.fromkeys(name for source, _, target in self.facts_of(text) for name in (source, target)))

    def entities(self, documents):
        return {n for c in self.texts(documents) for n in self.entities_of(c)}

    def facts(self, documents):
        return {(a, verb_type(v), b) for c in self.texts(documents) for a, v, b in self.facts_of(c)}

    def texts(self, documents):
        return {c for i in documents for c in self._document(i)["chunks"]}
