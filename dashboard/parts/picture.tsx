import { useMemo, useState } from "preact/hooks";
import { layout } from "../layout.ts";
import type { Neighbourhood } from "../wire.ts";

type Node = Neighbourhood["nodes"][number];

const RADIUS = { document: 11, text_unit: 5, entity: 8 } as const;
/** Pixels between linked nodes, about. */
const SCALE = 100;
const MARGIN = 90;
/** A small neighbourhood is not blown up. */
const [WIDTH, HEIGHT] = [900, 450];
/** Longer labels cover each other. */
const LABEL = 26;

/**
 * A neighbourhood as SVG: a few hundred nodes need no WebGL, colours follow the style sheet, and it prints. It is a picture for
 * those who see it; the same nodes stand as links in the table below it.
 */
export function Picture({ around, onNode }: { around: Neighbourhood; onNode: (node: Node) => void }) {
  const { nodes, edges } = around;
  const [zoom, setZoom] = useState(1);
  const places = useMemo(
    () => layout(nodes.length, edges).map(({ x, y }) => ({ x: Math.round(x * SCALE), y: Math.round(y * SCALE) })),
    [around],
  );
  const [xs, ys] = [places.map((place) => place.x), places.map((place) => place.y)];
  const [width, height] = [Math.max(WIDTH, span(xs) + 2 * MARGIN), Math.max(HEIGHT, span(ys) + MARGIN)];
  const [left, top] = [middle(xs) - width / 2, middle(ys) - height / 2];
  // Zooming goes to what was asked for.
  const centre = places[0]!;
  const box = [
    zoom === 1 ? left : centre.x - width / zoom / 2,
    zoom === 1 ? top : centre.y - height / zoom / 2,
    width / zoom,
    height / zoom,
  ];
  const parked = nodes.filter((node) => node.presence === "parked").length;
  return (
    <>
      <div class="filters">
        <ul class="legend">
          <li class="document">document</li>
          <li class="text_unit">text unit</li>
          <li class="entity">entity</li>
          <li class="parked">parked: hidden from readers, restorable</li>
        </ul>
        <button type="button" class="small" aria-disabled={zoom >= 8} onClick={() => setZoom(Math.min(8, zoom * 2))}>
          Closer
        </button>
        <button type="button" class="small" aria-disabled={zoom <= 1} onClick={() => setZoom(Math.max(1, zoom / 2))}>
          Farther
        </button>
      </div>
      <svg
        class="graph"
        role="img"
        viewBox={box.join(" ")}
        aria-label={`${nodes.length} nodes, ${parked} of them parked, and ${edges.length} edges; the same stands below in words`}
      >
        {edges.map((edge) => {
          const [from, to] = [places[edge.source]!, places[edge.target]!];
          return (
            <line
              key={`${edge.kind} ${edge.source} ${edge.target} ${edge.id}`}
              class={`${edge.kind} ${edge.presence}`}
              x1={from.x}
              y1={from.y}
              x2={to.x}
              y2={to.y}
            />
          );
        })}
        {nodes.map((node, position) => {
          const { x, y } = places[position]!;
          const radius = RADIUS[node.kind] * (position === 0 ? 1.5 : 1);
          return (
            // biome-ignore lint/a11y/noStaticElementInteractions: for the mouse; the table below has the same as links
            <g key={`${node.kind} ${node.id}`} class={`${node.kind} ${node.presence}`} onClick={() => onNode(node)}>
              <title>{`${node.label} (${node.presence})`}</title>
              <circle cx={x} cy={y} r={radius} />
              {node.kind !== "text_unit" && (
                <text x={x} y={y - radius - 4}>
                  {node.label.length > LABEL ? `${node.label.slice(0, LABEL)}…` : node.label}
                </text>
              )}
            </g>
          );
        })}
      </svg>
      {around.truncated && <p class="quiet">More lies around it than is shown.</p>}
    </>
  );
}

function span(values: number[]): number {
  return Math.max(...values) - Math.min(...values);
}

function middle(values: number[]): number {
  return (Math.max(...values) + Math.min(...values)) / 2;
}
