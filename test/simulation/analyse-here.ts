import type { analyseOnThread } from "../../src/maintenance/analyse-on-thread.ts";
import { analyse } from "../../src/maintenance/analysis.ts";
import { unpackAnalysisState } from "../../src/maintenance/analysis-state.ts";
import { publicationOf } from "../../src/maintenance/publication.ts";
import { PublishedColumns } from "../../src/maintenance/published-columns.ts";

/** What `analysis-thread.ts` does, on this thread: a second one would make the order of things its own. */
export const analyseHere: typeof analyseOnThread = async (graph, published, stored, options) => {
  const before = new PublishedColumns(graph.ids);
  for await (const part of published) before.add(part);
  before.seal();
  const previous = options.full ? null : unpackAnalysisState(stored);
  const control = { shouldStop: () => false, onPhase: () => {} };
  const { computed, state, detail } = analyse(graph, before, previous, options, control);
  const { parts, ...publication } = publicationOf(graph, computed, before);
  return {
    ...publication,
    state,
    detail,
    parts: (async function* () {
      yield* parts;
    })(),
  };
};
