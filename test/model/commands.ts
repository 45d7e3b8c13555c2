import fc from "fast-check";
import { vectorOf } from "../../src/conformance/index.ts";
import type { CollectionKind, ImportBlock, Policy } from "../../src/core/words.ts";
import { COLLECTION_KINDS } from "../../src/core/words.ts";
import { normaliseBlock } from "../../src/documents/normalise.ts";

/** Random commands as plain data, so that one sequence can be carried out on any store and is shown as it is. */

export const GROUPS = ["alpha", "beta", "gamma"] as const;
const DOCUMENTS = ["d0", "d1", "d2", "d3", "\u{1F4C4}"];
const UNITS = Array.from({ length: 10 }, (_, i) => `u${i}`);
const TEXTS = Array.from({ length: 8 }, (_, i) => `text ${i}`);
const ENTITIES = ["e0", "e1", "e2", "e3", "e4", "\uFFFD", "\u{1F642}"];
/** Ends by id, so that most blocks agree on them. */
const ENDS: Record<string, [string, string]> = {
  r0: ["e0", "e1"],
  r1: ["e1", "e2"],
  r2: ["e2", "e2"],
  r3: ["e3", "\uFFFD"],
  r4: ["e0", "\u{1F642}"],
  r5: ["e4", "e0"],
};

const DAY = 24 * 3_600_000;
export const POLICIES: Policy[] = [
  { restoreWindowMs: Number.POSITIVE_INFINITY, unsupported: "keep", graceAgeMs: 0 },
  { restoreWindowMs: 30 * DAY, unsupported: "collect", graceAgeMs: 3_600_000 },
  { restoreWindowMs: 30 * DAY, unsupported: "collect", graceAgeMs: 0 },
  { restoreWindowMs: 0, unsupported: "collect", graceAgeMs: 3_600_000 },
];

type Status = "deprecate" | "restore";
export type Command = { group: string } & (
  | { does: "import" | "replace"; block: ImportBlock; restore: boolean; again: boolean }
  | { does: "deprecate" | "purge"; documents: string[]; successor?: string; guarded: boolean }
  | { does: "restore" | "hold" | "release"; documents: string[] }
  | { does: "again" }
  | {
      does: "roll";
      verb: Status | "purge";
      documents: string[];
      units: number;
      meanwhile?: { verb: Status; documents: string[] };
    }
  | { does: "collect"; kinds: CollectionKind[]; limit: number; policy: Policy; finish: boolean }
  | { does: "preview"; kind: CollectionKind; limit: number; policy: Policy }
  | { does: "sweep"; limit: number; policy: Policy }
  | { does: "lose lease" }
  | { does: "overtake"; verb: Status; documents: string[] }
  | {
      does: "publish";
      how: "publish" | "stage only" | "discard";
      staged: "before" | "after";
      meanwhile?: { verb: Status | "purge"; documents: string[] };
    }
  | { does: "prune"; limit: number }
  | { does: "acknowledge"; every: number }
  | { does: "round trip"; documents: string[] }
  | { does: "wait"; ms: number }
);

const group = fc.constantFrom(...GROUPS);
const documents = fc.uniqueArray(fc.constantFrom(...DOCUMENTS), { minLength: 1, maxLength: 3 });
const policy = fc.constantFrom(...POLICIES);
const limit = fc.integer({ min: 1, max: 5 });
const kind = fc.constantFrom(...COLLECTION_KINDS);
const some = <T>(items: readonly T[], maxLength: number) =>
  fc.subarray([...items], { maxLength: Math.min(maxLength, items.length) });

/** Units own and name mostly what is in the block: a block that is refused teaches less than one that is taken. */
function block(of: fc.Arbitrary<string[]>): fc.Arbitrary<ImportBlock> {
  return of.chain((own) => {
    const unit = fc.record({
      id: fc.constantFrom(...UNITS),
      text: fc.constantFrom(...TEXTS),
      // A unit's id is usually that of its text; then the same text is the same unit everywhere.
      sameId: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
      owners: fc.oneof({ weight: 8, arbitrary: some(own, 2) }, { weight: 1, arbitrary: some(DOCUMENTS, 2) }),
      entities: some(ENTITIES, 3),
      vector: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
    });
    const fact = fc.record({
      id: fc.constantFrom(...Object.keys(ENDS)),
      support: fc.option(fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 2 }), { nil: undefined }),
      weight: fc.constantFrom(undefined, 0.5, 2),
      otherEnds: fc.integer({ min: 0, max: 19 }).map((n) => n === 0),
    });
    return fc
      .record({
        units: fc.array(unit, { minLength: 1, maxLength: 4 }),
        facts: fc.uniqueArray(fact, { maxLength: 3, selector: ({ id }) => id }),
        free: some(ENTITIES, 1),
        name: fc.constantFrom("one", "other"),
        hash: fc.option(fc.constantFrom("h1", "h2"), { nil: undefined, freq: 2 }),
        // Whether the units mention the ends of what they support, or only what was extracted from them as an entity.
        told: fc.boolean(),
      })
      .map(({ units, facts, free, name, hash, told }) => {
        const ided = units.map((u) => ({ ...u, id: u.sameId ? `u${TEXTS.indexOf(u.text)}` : u.id }));
        const unique = ided.filter((u, i) => ided.findIndex(({ id }) => id === u.id) === i);
        const mentioned = new Set([
          ...unique.flatMap((u) => u.entities),
          ...facts.flatMap(({ id }) => ENDS[id] ?? []),
          ...free,
        ]);
        const extracted = unique.flatMap((u) => u.entities.map((entity) => ({ textUnit: u.id, entity })));
        const normal = normaliseBlock({
          documents: own.map((id) => ({ id, title: `${name} title`, contentHash: hash })),
          textUnits: unique.map((u) => ({
            id: u.id,
            documents: u.owners.length > 0 ? u.owners : [own[0] as string],
            text: u.text,
            embedding: u.vector ? vectorOf(u.text + name, 3) : undefined,
          })),
          entities: [...mentioned].map((id) => ({ id, name: `${name} name`, embedding: vectorOf(id + name, 3) })),
          mentions: extracted,
          relationships: facts.map(({ id, support, weight, otherEnds }) => {
            const [source, target] = ENDS[id] as [string, string];
            const textUnits = support?.map((i) => (unique[i % unique.length] as { id: string }).id);
            return { id, source: otherEnds ? target : source, target, type: "t", weight, textUnits };
          }),
        });
        return told ? normal : { ...normal, mentions: extracted };
      });
  });
}

const successor = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constantFrom(...DOCUMENTS) },
);
const guarded = fc.integer({ min: 0, max: 4 }).map((n) => n === 0);
const status = fc.record({ verb: fc.constantFrom<Status[]>("deprecate", "restore"), documents });
const statusOrPurge = fc.record({
  verb: fc.constantFrom("deprecate", "restore", "purge") as fc.Arbitrary<Status | "purge">,
  documents,
});

const COMMANDS: [weight: number, command: fc.Arbitrary<Command>][] = [
  [
    8,
    fc.record({
      does: fc.constant("import" as const),
      group,
      restore: fc.boolean(),
      again: fc.boolean(),
      block: block(some(DOCUMENTS, 2).filter((ids) => ids.length > 0)),
    }),
  ],
  [
    3,
    fc.record({
      does: fc.constant("replace" as const),
      group,
      restore: fc.boolean(),
      again: fc.boolean(),
      block: block(fc.constantFrom(...DOCUMENTS).map((id) => [id])),
    }),
  ],
  [6, fc.record({ does: fc.constant("deprecate" as const), group, documents, successor, guarded })],
  [5, fc.record({ does: fc.constant("restore" as const), group, documents })],
  [3, fc.record({ does: fc.constant("purge" as const), group, documents, guarded })],
  [1, fc.record({ does: fc.constantFrom("hold" as const, "release" as const), group, documents })],
  [2, fc.record({ does: fc.constant("again" as const), group })],
  [
    2,
    fc.record({
      does: fc.constant("roll" as const),
      group,
      verb: fc.constantFrom<Status[]>("deprecate", "restore"),
      documents,
      units: limit,
      meanwhile: fc.option(status, { nil: undefined }),
    }),
  ],
  [
    1,
    fc.record({
      does: fc.constant("roll" as const),
      group,
      verb: fc.constant("purge" as const),
      documents,
      units: limit,
    }),
  ],
  [
    8,
    fc.record({
      does: fc.constant("collect" as const),
      group,
      kinds: fc.oneof(
        fc.constant<CollectionKind[]>([...COLLECTION_KINDS]),
        kind.map((one): CollectionKind[] => [one]),
      ),
      limit,
      policy,
      finish: fc.boolean(),
    }),
  ],
  [1, fc.record({ does: fc.constant("preview" as const), group, kind, limit, policy })],
  [2, fc.record({ does: fc.constant("sweep" as const), group, limit, policy })],
  [1, fc.record({ does: fc.constant("lose lease" as const), group })],
  [
    1,
    fc.record({
      does: fc.constant("overtake" as const),
      group,
      verb: fc.constantFrom<Status[]>("deprecate", "restore"),
      documents,
    }),
  ],
  [
    4,
    fc.record({
      does: fc.constant("publish" as const),
      group,
      how: fc.constantFrom("publish" as const, "publish" as const, "stage only" as const, "discard" as const),
      staged: fc.constantFrom("before" as const, "after" as const),
      meanwhile: fc.option(statusOrPurge, { nil: undefined, freq: 2 }),
    }),
  ],
  [1, fc.record({ does: fc.constant("prune" as const), group, limit })],
  [1, fc.record({ does: fc.constant("acknowledge" as const), group, every: fc.integer({ min: 1, max: 3 }) })],
  [2, fc.record({ does: fc.constant("round trip" as const), group, documents })],
  [
    2,
    fc.record({ does: fc.constant("wait" as const), group, ms: fc.constantFrom(1_000, 3_600_000, 20 * DAY, 40 * DAY) }),
  ],
];

/** Sequences of commands; each group begins with an import, so that there is something to work on. */
export function sequences(maxLength: number): fc.Arbitrary<Command[]> {
  const beginnings = fc.tuple(
    ...GROUPS.map((id) =>
      block(fc.constant(["d0", "d1"])).map(
        (imported): Command => ({ does: "import", group: id, block: imported, restore: false, again: false }),
      ),
    ),
  );
  const command = fc.oneof(...COMMANDS.map(([weight, arbitrary]) => ({ weight, arbitrary })));
  return fc
    .tuple(beginnings, fc.array(command, { minLength: 1, maxLength, size: "max" }))
    .map(([first, rest]) => [...first, ...rest]);
}
