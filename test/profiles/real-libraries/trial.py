"""The side of a library in a trial: reads commands as JSON lines on standard input, answers each with one line."""

import json
import sys

import corpus


def main(make):
    library = make(sys.argv[1])
    answers = sys.stdout
    sys.stdout = sys.stderr
    for line in sys.stdin:
        command = json.loads(line)
        documents = [corpus.document(i) for i in command.get("documents", [])]
        if command["do"] == "prepare":
            library.prepare()
            answer = None
        elif command["do"] == "write":
            answer = library.write(documents)
        elif command["do"] == "search":
            answer = {d["mark"]: library.search(d["chunks"][0]) for d in documents}
        elif command["do"] == "ids":
            answer = [library.ids(d) if hasattr(library, "ids") else [d["id"]] for d in documents]
        else:
            answer = sorted(library.names())
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
