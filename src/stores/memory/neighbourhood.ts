import { GraphkeeperError } from "../../core/errors.ts";
import {
  LABEL_LENGTH,
  type Neighbourhood,
  NeighbourhoodBuilder,
  type NeighbourhoodQuery,
  unitShare,
} from "../../core/neighbourhood.ts";
import type { Group, TextUnitRow } from "./state.ts";

/** What lies around a document or an entity; by scans, as befits a model. */
export function neighbourhoodOf(group: Group, query: NeighbourhoodQuery): Neighbourhood {
  const built = new NeighbourhoodBuilder(group.state.groupId, query.limit);
  const addDocument = (id: string) => {
    const document = group.documents.get(id)!;
    const presence = document.status === "active" ? "live" : "parked";
    built.add({ kind: "document", id, label: document.title ?? id, type: null, presence });
  };
  const addEntity = (id: string) => {
    const { name: label, type, presence } = group.entities.get(id)!;
    built.add({ kind: "entity", id, label, type, presence });
  };
  const addUnits = (units: TextUnitRow[]) => {
    const share = unitShare(query.limit);
    if (units.length > share) built.truncate();
    const shown = units.slice(0, share);
    for (const { id, text, presence } of shown) {
      built.add({ kind: "text_unit", id, label: text.slice(0, LABEL_LENGTH) || id, type: null, presence });
    }
    return shown;
  };
  const addOwners = (units: TextUnitRow[]) => {
    for (const unit of units) {
      for (const id of unit.documents) {
        addDocument(id);
        built.owns(id, unit.id, group.documents.get(id)!.status === "active" ? "live" : "parked");
      }
    }
  };
  const all = [...group.textUnits.values()];

  if (query.of === "document") {
    if (!group.documents.has(query.id)) {
      throw new GraphkeeperError("DOCUMENT_NOT_FOUND", "There is no such document in this group.", {
        document: query.id,
      });
    }
    addDocument(query.id);
    const units = addUnits(all.filter((unit) => unit.documents.includes(query.id)));
    for (const unit of units) {
      for (const entity of group.mentions.get(unit.id) ?? []) {
        addEntity(entity);
        built.mentions(unit.id, entity, unit.presence);
      }
    }
    addOwners(units);
  } else {
    if (!group.entities.has(query.id)) {
      throw new GraphkeeperError("NOT_FOUND", "There is no such entity in this group.", { entity: query.id });
    }
    addEntity(query.id);
    const units = addUnits(all.filter((unit) => group.mentions.get(unit.id)?.has(query.id)));
    addOwners(units);
    for (const { source, target } of group.relationships.values()) {
      if (source === query.id) addEntity(target);
      if (target === query.id) addEntity(source);
    }
    for (const unit of units) {
      for (const entity of group.mentions.get(unit.id) ?? []) built.mentions(unit.id, entity, unit.presence);
    }
  }
  for (const row of group.relationships.values()) built.relates(row);
  return built.build();
}
