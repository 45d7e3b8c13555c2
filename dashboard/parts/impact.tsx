import { number } from "../format.ts";
import type { Impact } from "../wire.ts";
import { Facts } from "./basics.tsx";

/** What a verb would do, before it is done. */
export function ImpactFacts({ impact }: { impact: Impact }) {
  const back = impact.verb === "restore";
  const share = impact.live_entities === 0 ? 0 : impact.entities.count / impact.live_entities;
  return (
    <div class="impact">
      <h3>{back ? "What comes back" : "What readers lose"}</h3>
      <Facts
        of={[
          [
            "Text units",
            `${number(impact.text_units.count)} (${number(impact.text_units.shared)} stay with other documents)`,
          ],
          [
            "Entities",
            `${number(impact.entities.count)}${back ? "" : `, ${(share * 100).toFixed(1)} % of the live ones`} (${number(impact.entities.shared)} are mentioned elsewhere too)`,
          ],
          ["Relationships", number(impact.relationships.count)],
          ["Vectors", number(impact.vectors)],
          ["Communities that change", number(impact.communities.length)],
        ]}
      />
    </div>
  );
}
