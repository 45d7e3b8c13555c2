import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { moment, number } from "../format.ts";
import { colour, onColours } from "../theme.ts";

interface ChartProps {
  name: string;
  /** Epoch seconds, rising. */
  times: number[];
  values: number[];
}

/** A line over time. The figures are also there as a table, for those who do not see the line. */
export function Chart({ name, times, values }: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = host.current!;
    let plot: uPlot | null = null;
    const draw = () => {
      plot?.destroy();
      const [text, grid, line] = [colour("quiet"), colour("line"), colour("accent")];
      const axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
      plot = new uPlot(
        {
          width: Math.max(200, element.clientWidth),
          height: 180,
          legend: { show: false },
          cursor: { show: false },
          scales: { y: { range: (_plot, _min, max) => [0, Math.max(4, max * 1.1)] } },
          axes: [axis, { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6] }],
          series: [{}, { stroke: line, width: 2, paths: uPlot.paths.stepped!({ align: 1 }), points: { size: 5 } }],
        },
        [times, values],
        element,
      );
    };
    draw();
    const sized = new ResizeObserver(() => plot?.setSize({ width: Math.max(200, element.clientWidth), height: 180 }));
    sized.observe(element);
    const stop = onColours(draw);
    return () => {
      stop();
      sized.disconnect();
      plot?.destroy();
    };
  }, [times.join(), values.join()]);
  const last = values.at(-1) ?? 0;
  return (
    <figure class="chart">
      <div ref={host} role="img" aria-label={`${name}: ${values.length} points, now ${number(last)}`} />
      <details class="lines">
        <summary>As figures</summary>
        <ul>
          {values.slice(-20).map((value, i) => {
            const at = new Date(times[Math.max(0, times.length - 20) + i]! * 1_000).toISOString();
            return (
              <li key={at}>
                {moment(at)}: {number(value)}
              </li>
            );
          })}
        </ul>
      </details>
    </figure>
  );
}
