import { send } from "../api.ts";
import { words } from "../format.ts";
import { useLoad } from "../load.ts";
import { Lines } from "../parts/action.tsx";
import { Badge, Panel, Table, Wait } from "../parts/basics.tsx";
import { Picture } from "../parts/picture.tsx";
import { go, to } from "../router.ts";
import type { DocumentRecord, Neighbourhood } from "../wire.ts";

interface Centre {
  document?: string;
  entity?: string;
}

export function GraphView({ group, document, entity }: { group: string } & Centre) {
  const centre: Centre = document !== undefined ? { document } : { entity };
  const id = document ?? entity;
  return (
    <div class="grid">
      <Panel title="Around what" wide>
        <Chooser key={id} group={group} centre={centre} />
      </Panel>
      {id === undefined ? (
        <Panel title="Where to begin" wide>
          <Beginnings group={group} />
        </Panel>
      ) : (
        <Around key={`${document} ${entity}`} group={group} centre={centre} />
      )}
    </div>
  );
}

function Chooser({ group, centre }: { group: string; centre: Centre }) {
  return (
    <form
      class="filters"
      onSubmit={(event) => {
        event.preventDefault();
        const data = new FormData(event.currentTarget);
        go(["groups", group, "graph"], { [String(data.get("of"))]: String(data.get("id") ?? "") });
      }}
    >
      <label>
        Kind
        <select name="of">
          <option value="document">document</option>
          <option value="entity" selected={centre.entity !== undefined}>
            entity
          </option>
        </select>
      </label>
      <label>
        Id
        <input name="id" required autocomplete="off" defaultValue={centre.document ?? centre.entity ?? ""} />
      </label>
      <button type="submit">Show</button>
    </form>
  );
}

function Beginnings({ group }: { group: string }) {
  const documents = useLoad(
    (signal) => send<{ documents: DocumentRecord[] }>({ path: "/documents", query: { limit: 20 }, group }, signal),
    [group],
  );
  return (
    <Wait of={documents}>
      {({ documents }) => (
        <ul>
          {documents.map((document) => (
            <li key={document.id}>
              <a href={to(["groups", group, "graph"], { document: document.id })}>{document.title ?? document.id}</a>
            </li>
          ))}
        </ul>
      )}
    </Wait>
  );
}

function Around({ group, centre }: { group: string; centre: Centre }) {
  const call = { path: "/neighbourhood", query: { ...centre, limit: 150 }, group };
  const found = useLoad((signal) => send<Neighbourhood>(call, signal), [group]);
  return (
    <>
      <Panel title="Picture" wide>
        <Wait of={found}>
          {(around) => <Picture around={around} onNode={(node) => follow(placeOf(group, node))} />}
        </Wait>
        <Lines call={call} />
      </Panel>
      <Panel title="In words" wide>
        <Wait of={found}>{(around) => <InWords group={group} around={around} />}</Wait>
      </Panel>
    </>
  );
}

function placeOf(group: string, node: Neighbourhood["nodes"][number]): string | null {
  if (node.kind === "text_unit") return null;
  return to(["groups", group, "graph"], { [node.kind]: node.id });
}

function follow(place: string | null): void {
  if (place !== null) location.hash = place;
}

function InWords({ group, around }: { group: string; around: Neighbourhood }) {
  const links = (position: number) =>
    around.edges
      .filter((edge) => edge.kind === "relationship" && (edge.source === position || edge.target === position))
      .map((edge) => {
        const other = around.nodes[edge.source === position ? edge.target : edge.source]!;
        const said = edge.source === position ? `${edge.type} ${other.label}` : `${other.label} ${edge.type} it`;
        return edge.presence === "parked" ? `${said} (parked)` : said;
      });
  const rows = around.nodes.map((node, position) => ({ node, position }));
  return (
    <Table
      name="In words"
      rows={rows}
      id={({ position }) => String(position)}
      empty=""
      columns={[
        { head: "Kind", cell: ({ node }) => words(node.kind) },
        {
          head: "What",
          cell: ({ node }) => {
            const place = placeOf(group, node);
            return place === null ? node.label : <a href={place}>{node.label}</a>;
          },
        },
        { head: "State", cell: ({ node }) => <Badge state={node.presence} /> },
        { head: "Type", cell: ({ node }) => node.type ?? "" },
        { head: "Relationships", cell: ({ position }) => links(position).join("; ") },
      ]}
    />
  );
}
