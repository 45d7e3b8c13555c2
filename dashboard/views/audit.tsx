import { useState } from "preact/hooks";
import { entriesUpTo, lastSeq } from "../audit.ts";
import { number, words } from "../format.ts";
import { useLoad } from "../load.ts";
import { Lines } from "../parts/action.tsx";
import { Panel, Table, Time, Wait } from "../parts/basics.tsx";
import { Pager } from "../parts/pager.tsx";
import { to } from "../router.ts";
import type { AuditEntry } from "../wire.ts";

const PAGE = 50;

export function AuditView({ group }: { group: string }) {
  // Of the first entry that is shown; null = the newest.
  const [from, setFrom] = useState<number | null>(null);
  const audit = useLoad(
    async (signal) => {
      const last = await lastSeq(group, signal);
      const upTo = from ?? last;
      return { last, upTo, entries: await entriesUpTo(group, upTo, PAGE, signal) };
    },
    [group, from],
  );
  return (
    <Panel title="Entries, newest first" wide>
      <p class="quiet">
        Each entry carries the hash of the one before it, so that none can be changed, taken out or slipped in
        unnoticed; Verify on the group's page checks the chain.
      </p>
      <Wait of={audit}>
        {({ last, upTo, entries }) => (
          <>
            <Table
              name="Audit"
              rows={entries}
              id={(entry) => String(entry.seq)}
              empty="No entries."
              columns={[
                { head: "No.", figure: true, cell: (entry) => number(entry.seq) },
                { head: "When", cell: (entry) => <Time at={entry.at} /> },
                { head: "Who", cell: (entry) => entry.actor },
                { head: "What", cell: (entry) => words(entry.action) },
                { head: "Documents", cell: (entry) => <Documents group={group} entry={entry} /> },
                { head: "Why", cell: (entry) => entry.detail.reason ?? "" },
                { head: "Hash", cell: (entry) => <code title={entry.hash}>{entry.hash.slice(0, 12)}</code> },
              ]}
            />
            <Pager
              back={upTo >= last ? null : () => setFrom(Math.min(last, upTo + PAGE))}
              on={upTo <= PAGE ? null : () => setFrom(upTo - PAGE)}
            />
          </>
        )}
      </Wait>
      <Lines call={{ path: "/audit", query: { limit: 1_000 }, group }} />
    </Panel>
  );
}

function Documents({ group, entry }: { group: string; entry: AuditEntry }) {
  const documents = Array.isArray(entry.detail.documents) ? entry.detail.documents : [];
  return (
    <>
      {documents.slice(0, 3).map(({ id, outcome }) => (
        <span key={id}>
          <a href={to(["groups", group, "documents", id])}>{id}</a> {words(outcome)}{" "}
        </span>
      ))}
      {documents.length > 3 && `and ${documents.length - 3} more`}
    </>
  );
}
