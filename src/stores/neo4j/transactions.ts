import type { Connection } from "./connection.ts";
import type { GroupRow } from "./group-row.ts";
import type { Shapes } from "./shapes.ts";
import type { Statements } from "./statements/index.ts";
import type { Reading, Work } from "./work.ts";

/** Bounded transactions on one group: what work that spans several of them needs of the store. */
export interface Transactions {
  readonly connection: Connection;
  readonly shapes: Shapes;
  readonly statements: Statements;
  /** A reading transaction. */
  read<T>(groupId: string, work: (r: Reading, group: GroupRow) => Promise<T>): Promise<T>;
  /** A write transaction on a locked group, with one effect even if the driver runs it twice. */
  write<T>(groupId: string, work: (w: Work) => Promise<T>): Promise<T>;
}
