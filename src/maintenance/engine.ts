import { GraphkeeperError } from "../core/errors.ts";
import type { AnalyticsEngine, GroupReader } from "../core/ports.ts";

/** `auto`: the database's engine for groups above the threshold where there is one, else the built-in one. */
export const ENGINES = ["auto", "builtin", "gds"] as const;
export type EngineName = (typeof ENGINES)[number];

export interface EngineChoice {
  name: EngineName;
  /** Live entities above which `auto` leaves the work to the database. */
  threshold: number;
}

/**
 * Who computes the analytics of a group.
 *
 * @returns `engine` null for the built-in one; `name` as the run's detail tells it
 * @throws GraphkeeperError `ENGINE_UNAVAILABLE` when an engine was asked for by name and is not there
 */
export async function chooseEngine(
  store: Pick<GroupReader, "counts"> & { readonly engine?: AnalyticsEngine },
  groupId: string,
  choice: EngineChoice = { name: "builtin", threshold: 0 },
): Promise<{ engine: AnalyticsEngine | null; name: string }> {
  const builtin = { engine: null, name: "builtin" };
  const { engine } = store;
  if (choice.name === "builtin") return builtin;
  if (choice.name === "auto") {
    // The count costs a scan of the label: it is asked for only where the answer can matter.
    if (!engine || (await engine.version()) === null) return builtin;
    if ((await store.counts(groupId)).entities.live <= choice.threshold) return builtin;
  }
  if (!engine) {
    throw new GraphkeeperError(
      "ENGINE_UNAVAILABLE",
      `The engine ${choice.name} is a plugin of Neo4j; the graph is in the embedded store.`,
      { engine: choice.name },
    );
  }
  const version = await engine.version();
  if (version === null) {
    throw new GraphkeeperError("ENGINE_UNAVAILABLE", `The Neo4j server does not have the engine ${choice.name}.`, {
      engine: choice.name,
    });
  }
  return { engine, name: `${engine.name} ${version}` };
}
