import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { ago, moment, words } from "../format.ts";
import type { Loaded } from "../load.ts";
import type { Problem } from "../problem.ts";

export function ProblemBox({ problem }: { problem: Problem }) {
  return (
    <div class="problem" role="alert">
      <p>
        <strong>{problem.title}</strong> <code>{problem.code}</code>
      </p>
      <p>{problem.detail}</p>
      {problem.remedy !== "" && <p>What to do: {problem.remedy}</p>}
      {problem.requestId !== "" && <p class="quiet">Request id {problem.requestId}</p>}
    </div>
  );
}

/** What was loaded, or what went wrong, or that it is on its way. Old data stay while new ones fail. */
export function Wait<T>({ of, children }: { of: Loaded<T>; children: (data: T) => ComponentChildren }) {
  return (
    <>
      {of.problem !== null && <ProblemBox problem={of.problem} />}
      {of.data !== null ? children(of.data) : of.problem === null && <p class="quiet">Loading…</p>}
    </>
  );
}

export function Time({ at, otherwise = "–" }: { at: string | null; otherwise?: string }) {
  if (at === null) return <>{otherwise}</>;
  return (
    <time dateTime={at} title={moment(at)}>
      {ago(at)}
    </time>
  );
}

const TONES: Record<string, "good" | "warn" | "bad" | "busy"> = {
  ok: "good",
  healthy: "good",
  active: "good",
  succeeded: "good",
  resolved: "good",
  live: "good",
  fired: "good",
  stale: "warn",
  pending: "warn",
  attention: "bad",
  deprecated: "warn",
  paused: "warn",
  skipped: "warn",
  cancelled: "warn",
  parked: "warn",
  missed: "warn",
  failed: "bad",
  dead: "bad",
  firing: "bad",
  running: "busy",
  queued: "busy",
};

export function Badge({ state }: { state: string }) {
  return <span class={`badge ${TONES[state] ?? "plain"}`}>{words(state)}</span>;
}

/** A region with a heading of its own. */
export function Panel({ title, children, wide }: { title: string; children: ComponentChildren; wide?: boolean }) {
  const id = `panel-${title.toLowerCase().replaceAll(/[^a-z]+/g, "-")}`;
  return (
    <section class={wide ? "panel wide" : "panel"} aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}

export interface Column<T> {
  head: string;
  cell: (row: T) => ComponentChildren;
  /** Figures stand at the right. */
  figure?: boolean;
}

export function Table<T>(props: {
  name: string;
  rows: T[];
  columns: Column<T>[];
  empty: string;
  id: (row: T) => string;
}) {
  if (props.rows.length === 0) return <p class="quiet">{props.empty}</p>;
  return (
    // Wide tables scroll by themselves; whoever has no mouse gets there by Tab.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard (WCAG 2.1.1)
    <section class="scroll" tabIndex={0} aria-label={props.name}>
      <table>
        <thead>
          <tr>
            {props.columns.map((column) => (
              <th key={column.head} scope="col" class={column.figure ? "figure" : undefined}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.rows.map((row) => (
            <tr key={props.id(row)}>
              {props.columns.map((column) => (
                <td key={column.head} class={column.figure ? "figure" : undefined}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

export function Facts({ of }: { of: [name: string, value: ComponentChildren][] }) {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A line of a shell with a button that copies it. */
export function Line({ name, text }: { name: string; text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    // Only pages over TLS or on loopback may use the clipboard.
    if (navigator.clipboard === undefined) return;
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2_000);
  };
  return (
    <div class="line">
      <span class="name">{name}</span>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so it must be reachable by keyboard */}
      <code tabIndex={0}>{text}</code>
      {navigator.clipboard !== undefined && (
        <button type="button" class="small" onClick={copy} aria-label={`Copy the ${name} line`}>
          {copied ? "Copied" : "Copy"}
        </button>
      )}
    </div>
  );
}
