"""A dozen short documents that share entities, and stand-ins for the models that read them.

Each document has a word of its own (its mark), which stands in its texts and in the name of one entity: where that word
is found, something of the document is. The stand-ins read the sentences of the documents and nothing else, so the same text always gives
the same entities, facts and vectors.
"""

import hashlib
import math
import re

MARKS = (
    "Aardvark Bramble Cinnabar Dandelion Ember Falcon Garnet Heron Indigo Juniper Kestrel Lantern Marigold Nutmeg"
).split()
PEOPLE = ["Ada Brook", "Ben Carter", "Cleo Dunn", "Dan Ellis"]
ORGANISATIONS = ["Helio Works", "Norden Bank", "Quarry Labs"]
CITIES = ["Bremen", "Porto"]
VERBS = ["founded", "works at", "is located in", "cooperates with", "knows"]
DIMENSION = 32


def document(i):
    mark, person, other = MARKS[i], PEOPLE[i % 4], PEOPLE[(i + 1) % 4]
    org, partner, city = ORGANISATIONS[i % 3], ORGANISATIONS[(i + 1) % 3], CITIES[i % 2]
    # The last ones speak of what earlier ones brought in.
    also = f" {MARKS[i - 11]} Project cooperates with Helio Works." if i >= 12 else ""
    return {
        "id": f"reports/{i:02d}.txt",
        "title": f"Report {i:02d}",
        "mark": mark,
        "chunks": [
            f"{person} founded {mark} Project. {person} works at {org}. Everybody called it {mark.lower()} at the time.",
            f"{mark} Project is located in {city}. {org} cooperates with {partner}. {other} knows {person}. The word {mark.lower()} stands here too.{also}",
        ],
    }


def type_of(name):
    for kind, names in (("Person", PEOPLE), ("Organisation", ORGANISATIONS), ("City", CITIES)):
        if name in names:
            return kind
    return "Project"


def facts_of(text):
    """Triples (source, verb, target) that the sentences of a text state."""
    found = []
    for sentence in re.split(r"[.\n]\s*", text):
        match = re.fullmatch(rf"([A-Z]\w+ \w+) ({'|'.join(VERBS)}) ([A-Z]\w+(?: \w+)?)", sentence.strip())
        if match:
            found.append(match.groups())
    return found


def entities_of(text):
    return list(dict.fromkeys(name for source, _, target in facts_of(text) for name in (source, target)))


def vector_of(text, dimension=DIMENSION):
    """Direction by hashed words; texts with words in common are near to each other."""
    values = [0.001] * dimension
    for word in re.findall(r"\w+", text.lower()):
        digest = hashlib.sha256(word.encode()).digest()
        values[digest[0] % dimension] += 1.0
        values[digest[1] % dimension] -= 0.5
    norm = math.sqrt(sum(v * v for v in values))
    return [v / norm for v in values]
