/** Reads all records of a group and says how many there are of each kind; its parent gives it little memory. */
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";

const [uri = "", groupId = ""] = process.argv.slice(2);
const store = await openNeo4jStore({ uri, install: false });
const counts: Record<string, number> = {};
let characters = 0;
let last = "";
let ordered = true;
for await (const chunk of store.records(groupId)) {
  for (const record of chunk) {
    counts[record.kind] = (counts[record.kind] ?? 0) + 1;
    if (record.kind !== "text_unit") continue;
    characters += record.text.length;
    ordered &&= record.id > last;
    last = record.id;
  }
}
const graph = await store.readGraph(groupId);
await store.close();
process.stdout.write(JSON.stringify({ counts, characters, ordered, entities: graph.ids.length }));
