import type { Connection } from "../connection.ts";

type Config = Record<string, unknown>;
export interface AlgorithmConfigs {
  knn: Config;
  leiden: Config;
  pageRank: Config;
  wcc: Config;
}

/**
 * Twice as many neighbours as are wanted are asked for, and at least this many: the library looks for neighbours among those of
 * neighbours, and has little to look at when it keeps few. Measured with 2.13.9 for k = 5, 64 numbers, seed 1: on 5,000 vectors recall is
 * 0.998 with 10 asked for, 0.977 with 5 and `randomJoins` 100 (six times as long), 0.86 by its defaults; on 20,000 vectors 0.994.
 */
const LEAST_NEIGHBOURS = 10;

/** As the built-in engine's. */
export const DAMPING = 0.85;

/**
 * What the algorithms are called with. One thread for neighbours and communities: with several the library takes no seed, or
 * gives another answer each time, and an unchanged graph would ask for summaries to be written again.
 */
export function algorithmConfigs(
  connection: Connection,
  options: { k: number; cutoff: number; resolution: number; seed: number },
): AlgorithmConfigs {
  const int = (value: number) => connection.int(value);
  const reproducible = { concurrency: int(1), randomSeed: int(options.seed) };
  return {
    knn: {
      ...reproducible,
      nodeLabels: ["Vector"],
      nodeProperties: { embedding: "COSINE" },
      topK: int(Math.max(LEAST_NEIGHBOURS, 2 * options.k)),
      // The library's similarity is (1 + cosine) / 2.
      similarityCutoff: Math.min(1, Math.max(0, (1 + options.cutoff) / 2)),
      sampleRate: 1,
      deltaThreshold: 0,
    },
    leiden: {
      ...reproducible,
      gamma: options.resolution,
      maxLevels: int(10),
      includeIntermediateCommunities: true,
    },
    // Its default of 20 iterations was measured 4.4 % off.
    pageRank: { dampingFactor: DAMPING, maxIterations: int(400), tolerance: 1e-12 },
    wcc: {},
  };
}
