import { readFileSync } from "node:fs";

interface Golden {
  madeBy: string;
  undirected: {
    name: string;
    n: number;
    edges: [number, number, number][];
    membership: number[];
    modularity: Record<string, number>;
    pageRank: number[];
  }[];
  directed: {
    name: string;
    n: number;
    edges: [number, number, number][];
    pageRank: number[];
    damping70: number[];
    personalised: number[];
    personalisation: number[];
  }[];
}

/** What networkx computed; `test/golden/make_analytics.py` makes it. */
export const golden: Golden = JSON.parse(
  readFileSync(new URL("../golden/analytics.json", import.meta.url), "utf8"),
) as Golden;
