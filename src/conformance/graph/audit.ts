import assert from "node:assert/strict";
import { library } from "./blocks.ts";
import type { GraphStoreCase } from "./case.ts";

const G = "alpha";

/** The audit. That the chain holds and no generation is missing in it is checked after every case. */
export const AUDIT_CASES: GraphStoreCase[] = [
  {
    name: "audit: every effective call and batch has an entry, in order, with who, when and what",
    async run(w) {
      await w.import(G, library(), { id: "o1", actor: "ann" });
      await w.store.apply(w.operation(G, "deprecate", ["d1"], { id: "o2", actor: "ben", reason: "because" }));
      await w.deprecate(G, "d1"); // No effect, no entry.
      await w.collect(G, { kinds: ["orphan_entities"], finish: false });
      await w.store.apply(w.operation(G, "hold", ["d2"], { id: "o3", actor: "cy" }));
      const entries = await w.store.audit(G, { afterSeq: 0, limit: 100 });
      const short = entries.map(({ seq, action, ref, generation }) => [seq, action, ref, generation]);
      assert.deepEqual(short, [
        [1, "import", "o1", 1],
        [2, "deprecate", "o2", 2],
        [3, "collect", "orphan_entities", 3],
        [4, "hold", "o3", 4],
      ]);
      assert.deepEqual([entries[1]?.actor, entries[1]?.at], ["ben", (await w.store.operation(G, "o2"))?.at]);
      assert.ok(JSON.stringify(entries[1]?.detail).includes("d1"), "it names the documents");
      assert.ok(JSON.stringify(entries[2]?.detail).includes('"b"'), "and a collection what it took");
    },
  },
  {
    name: "audit: is read from any entry on, no more than asked for",
    async run(w) {
      await w.import(G, library());
      for (const id of ["d1", "d2", "d3"]) await w.deprecate(G, id);
      const seqs = async (afterSeq: number, limit: number) =>
        (await w.store.audit(G, { afterSeq, limit })).map(({ seq }) => seq);
      assert.deepEqual(await seqs(0, 2), [1, 2]);
      assert.deepEqual(await seqs(2, 100), [3, 4]);
      assert.deepEqual(await seqs(4, 100), []);
    },
  },
  {
    name: "audit: takes entries of what is no write of its own, without a new generation",
    async run(w) {
      await w.import(G, library());
      const detail = { text: 'ä \u{1F600} "quoted"', list: [1, null, true], number: 0.1 };
      const entry = await w.store.recordAudit(G, { at: w.now, actor: "runner", action: "run", ref: "run-1", detail });
      assert.deepEqual([entry.seq, entry.generation, entry.detail], [2, 1, detail]);
      assert.deepEqual(await w.store.audit(G, { afterSeq: 1, limit: 10 }), [entry]);
      assert.equal((await w.state(G)).generation, 1);
      await w.deprecate(G, "d1");
      assert.equal((await w.store.audit(G, { afterSeq: 0, limit: 10 })).length, 3);
    },
  },
];
